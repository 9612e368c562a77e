"""`keepclear init`: making keys and founding a line, step by step between members, or at once for an exercise.

The law: every step writes files and says which, and what to do with each. What a member signs is shown in full before
anything is signed. Ports are tried before a configuration names them.
"""

import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from keepclear.host import ceremony, config, config_example
from keepclear.host.cli_errors import Failure
from keepclear.host.identity import Identity, load_identity
from keepclear.record.genesis import Mode, Role

PORT_BASE: Final = 47_001
TRACKS_ABOVE: Final = 100  # a node's port for tracks lies so far above that for its peers
PATH: Final = click.Path(path_type=Path)


@click.group()
def init() -> None:
    """Make keys and found a line.

    \b
    For trying things out, all on one machine:
      keepclear init exercise river --party NORTH --party SOUTH --observer MISSION
    Between members, each on its own machine:
      keepclear init identity north --name NORTH --seat duty     each, in private
      keepclear init propose river.proposal --line river --mode LIVE NORTH.offer SOUTH.offer
      keepclear init sign north river.proposal                   each, the id compared by voice
      keepclear init join north river.proposal *.signature       each
    """


@init.command()
@click.argument("directory", type=PATH)
@click.option("--party", "parties", multiple=True, required=True, help="A member that answers for aircraft. Repeat.")
@click.option("--observer", "observers", multiple=True, help="A neutral member. Repeat, or leave out.")
@click.option("--seat", "seats", multiple=True, default=["duty"], show_default=True, help="Each party's seats. Repeat.")
@click.option("--port-base", default=PORT_BASE, show_default=True, help="First port; the next members' follow it.")
@click.option("--mailbox", default="", metavar="URL", help="A mailbox that all use as their second path.")
def exercise(
    directory: Path,
    parties: Sequence[str],
    observers: Sequence[str],
    seats: Sequence[str],
    port_base: int,
    mailbox: str,
) -> None:
    """Found an EXERCISE line with all members' keys in DIRECTORY, and a configuration for each.

    Whoever holds DIRECTORY can speak for everybody: nothing said on this line is meant.

    \b
    Example:
      keepclear init exercise river --party NORTH --party SOUTH --observer MISSION
      keepclear run river/NORTH/node.toml
    """
    names = [*parties, *observers]
    ports = {name: port_base + number for number, name in enumerate(names)}
    _check_ports([*ports.values(), *(port + TRACKS_ABOVE for port in ports.values())])
    members = [(name, Role.PARTY, seats) for name in parties] + [(name, Role.OBSERVER, ()) for name in observers]
    made = ceremony.make_exercise_line(directory, members, time.time_ns() // 1_000_000)
    for path in made:
        own = path.name
        peers = {name: f"127.0.0.1:{port}" for name, port in ports.items() if name != own}
        listen, tracks = f"127.0.0.1:{ports[own]}", f"127.0.0.1:{ports[own] + TRACKS_ABOVE}"
        _write_config(path, load_identity(path), peers, listen, tracks, mailbox)
        config.read_config(path / "node.toml")  # a mistyped mailbox is told now
        click.echo(f"{own}: start it with: keepclear run {path / 'node.toml'}")


@init.command()
@click.argument("directory", type=PATH)
@click.option("--name", required=True, help="The member's name on the line, at most 16 bytes.")
@click.option("--observer", is_flag=True, help="A neutral member, which answers for no aircraft.")
@click.option("--seat", "seats", multiple=True, help="A role that speaks for the party. Repeat.")
@click.option("--roots", default=1, show_default=True, help="How many root keys to make.")
@click.option("--threshold", default=1, show_default=True, help="How many of them have to sign.")
def identity(directory: Path, name: str, observer: bool, seats: Sequence[str], roots: int, threshold: int) -> None:
    """Make a member's keys in the empty private DIRECTORY, and the offer that goes to the proposer.

    \b
    Example:
      keepclear init identity north --name NORTH --seat duty --seat deputy --roots 3 --threshold 2
    """
    role = Role.OBSERVER if observer else Role.PARTY
    offer = ceremony.make_identity(directory, name, role, seats, roots=roots, threshold=threshold)
    click.echo(f"keys made in {directory}; give {offer} to whoever proposes the line")


@init.command()
@click.argument("out", type=PATH)
@click.argument("offers", nargs=-1, required=True, type=PATH)
@click.option("--line", required=True, help="The line's name, for people.")
@click.option("--mode", type=click.Choice([mode.name for mode in Mode], case_sensitive=False), required=True)
def propose(out: Path, offers: Sequence[Path], line: str, mode: str) -> None:
    """Write the proposal of a line between the members whose OFFERS these are to the file OUT.

    \b
    Example:
      keepclear init propose river.proposal --line river --mode LIVE NORTH.offer SOUTH.offer MISSION.offer
    """
    ceremony.propose(offers, line, Mode[mode], time.time_ns() // 1_000_000, out)
    click.echo(f"{ceremony.describe(out)}\n\nsend {out} to all members")


@init.command()
@click.argument("directory", type=PATH)
@click.argument("proposal", type=PATH)
@click.option("--yes", is_flag=True, help="Sign without asking; the id has been compared before.")
def sign(directory: Path, proposal: Path, yes: bool) -> None:
    """Show all that PROPOSAL says, and sign it with the root keys in DIRECTORY.

    \b
    Example:
      keepclear init sign north river.proposal
    """
    click.echo(ceremony.describe(proposal))
    click.echo("\nread the id to the other members over a telephone on which you know their voices")
    if not yes and not click.confirm("do all ids agree, and shall this be signed?"):
        raise Failure("not signed, nothing was written", "sign once the ids agree; if they do not, nobody signs")
    click.echo(f"signed; give {ceremony.sign(directory, proposal)} to all members")


@init.command()
@click.argument("directory", type=PATH)
@click.argument("proposal", type=PATH)
@click.argument("signatures", nargs=-1, required=True, type=PATH)
@click.option("--peer", "peers", multiple=True, metavar="NAME=ADDRESS", help="Where a member listens. Repeat.")
@click.option("--listen", default=config.Node(member="", dir="").listen, show_default=True, help="UDP, for the peers.")
@click.option("--tracks", default=config.Node(member="", dir="").tracks, show_default=True, help="TCP, own tracks.")
@click.option("--mailbox", default="", metavar="URL", help="A mailbox as the second path, https://NUMBER:PORT.")
def join(
    directory: Path,
    proposal: Path,
    signatures: Sequence[Path],
    peers: Sequence[str],
    listen: str,
    tracks: str,
    mailbox: str,
) -> None:
    """Put PROPOSAL and all members' SIGNATURES together in DIRECTORY, and write its configuration.

    \b
    Example:
      keepclear init join north river.proposal *.signature --peer SOUTH=192.0.2.7:47001 --listen 192.0.2.1:47001
    """
    ceremony.join(directory, proposal, signatures)
    own = load_identity(directory)
    known = _addresses(peers, own)
    path = directory / "node.toml"
    click.echo(f"{own.genesis.names[own.member]} has joined line {own.genesis.line.hex()}")
    if path.exists():
        click.echo(f"{path} is already there and was left as it is")
    else:
        _write_config(directory, own, known, listen, tracks, mailbox)
        config.read_config(path)  # a mistyped address is told now
        click.echo(f"start it with: keepclear run {path}")
    if (directory / "roots").exists():
        click.echo(f"take {directory / 'roots'} away now: root keys are kept offline")


def _addresses(peers: Sequence[str], own: Identity) -> dict[str, str]:
    """The addresses given as NAME=ADDRESS; members without one are named, for the configuration lacks them."""
    known = {name: address for name, _, address in (peer.partition("=") for peer in peers)}
    others = [name for name in own.genesis.names if name != own.genesis.names[own.member]]
    if strange := [name for name in known if name not in others]:
        raise Failure(f"--peer {strange[0]}: no other member has this name", f"give one of {', '.join(others)}")
    for name in others:
        if name not in known:
            click.echo(f"no address for {name} yet: write [peers.{name}] into node.toml")
    return known


def _write_config(
    directory: Path, own: Identity, peers: Mapping[str, str], listen: str, tracks: str, mailbox: str
) -> None:
    name = own.genesis.names[own.member]
    seats = tuple(own.seats)
    text = config_example.example_config(name, ".", peers, seats=seats, listen=listen, tracks=tracks, mailbox=mailbox)
    (directory / "node.toml").write_text(text, encoding="utf-8")


def _check_ports(ports: Sequence[int]) -> None:
    """Raises Failure for a port that cannot be listened on now. Another process may still be first later."""
    if not all(1_024 <= port <= 65_535 for port in ports):
        raise Failure(f"ports {min(ports)} to {max(ports)}, 1024 to 65535 expected", "give another --port-base")
    for port in ports:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
                try:
                    one.bind(("127.0.0.1", port))
                except OSError as error:
                    hint = "end what listens there, or give another --port-base"
                    raise Failure(f"port {port} of this machine is not free: {error.strerror}", hint) from error
