"""`keepclear bundle`: what was said, as a file for a stick, a radio or a courier, while the line cannot carry it.

The law: what leaves the house is sealed to one reader's card, or said to be open by whoever exports it. What is brought
is checked whole before the node is given any of it, comes in as any entry does, marked BY BUNDLE, and proves nothing of
the line, which stays dead until frames come back over it.
"""

from pathlib import Path

import click

from keepclear.accord.figures import clean
from keepclear.accord.times import zulu
from keepclear.host import bundle as bundles
from keepclear.host import keys
from keepclear.host.cli_errors import Failure
from keepclear.host.cli_node import moment, node_option
from keepclear.host.client import Client
from keepclear.host.config import checked
from keepclear.host.identity import load_identity, read_genesis
from keepclear.line import sealing
from keepclear.line.sealing import Card
from keepclear.node.core import WATCH
from keepclear.record import parts
from keepclear.record.genesis import Genesis


@click.group()
def bundle() -> None:
    """Carry the record by hand: card, export, import.

    \b
    At the reader's, once:           keepclear bundle card south.card --node south
    At the sender's, each time:      keepclear bundle export monday.kcb --node north --for south.card
    At the reader's, each time:      keepclear bundle import monday.kcb --node south
    The receipts go back the same way, in the reader's own bundle.
    """


@bundle.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--node", "directory", envvar="KEEPCLEAR_NODE", required=True, metavar="DIR", type=click.Path(path_type=Path),
    help="The directory of a node or of a watch, running or not.",
)  # fmt: skip
def card(out: Path, directory: Path) -> None:
    """Write the reader's card OUT, to be given to those who make bundles for us.

    The key behind it is made the first time and kept in DIR/reader.key. Compare the fingerprint by voice: a
    watch's card is signed by nobody.

    \b
    Example:
      keepclear bundle card south.card --node south
    """
    genesis = read_genesis(directory / "genesis")
    member, name, sign = None, WATCH, None
    if bundles.is_node(directory):
        identity = load_identity(directory)
        member, name, sign = identity.member, genesis.names[identity.member], identity.node.sign
    keys.private_directory(directory)
    key = bundles.reader_key(directory, make=True)
    assert key is not None
    keys.write_private(out, sealing.card(genesis, member, name, key.public, sign))
    click.echo(f"{out}: {clean(name)} reads what is sealed to {keys.fingerprint(key.public)}")


@bundle.command("export")
@click.argument("out", type=click.Path(path_type=Path))
@node_option
@click.option("--for", "card_path", metavar="CARD", type=click.Path(path_type=Path), help="Seal it to this reader.")
@click.option("--open", "is_open", is_flag=True, help="Do not seal it: whoever finds it can read all that was said.")
@click.option("--to", "to", metavar="MEMBER", help="Leave out what this member says that it has; usually the card's.")
@click.option("--all", "every", is_flag=True, help="Everything, whatever the member says that it has.")
@click.option("--since", metavar="TIME", help="Only what was said since then, by its author's clock.")
@click.option("--party", metavar="MEMBER", help="Only what this member said.")
@click.option("--seq", "first_seq", type=click.IntRange(0), default=0, help="With --party: only from this number on.")
@click.option("--part-bytes", type=click.IntRange(parts.LEAST_BYTES), help="Cut it into parts of at most so many.")
def export(
    out: Path,
    directory: Path,
    card_path: Path | None,
    is_open: bool,
    to: str | None,
    every: bool,
    since: str | None,
    party: str | None,
    first_seq: int,
    part_bytes: int | None,
) -> None:
    """Write what a member lacks into the bundle OUT (OUT.001 and so on in parts), sealed to the reader's CARD.

    What it lacks is told by its own receipts since its last start; a watch gives none, and is given everything.

    \b
    Examples:
      keepclear bundle export monday.kcb --node north --for south.card
      keepclear bundle export radio --node north --for south.card --since -30m --part-bytes 200
    """
    if (card_path is None) == (not is_open):
        raise Failure(
            "neither --for nor --open" if card_path is None else "both --for and --open",
            "give --for with the reader's card, or --open for a bundle that anybody can read",
        )
    if first_seq and party is None:
        raise Failure("--seq without --party", "numbers are each member's own: say whose with --party")
    identity = load_identity(directory)
    genesis = identity.genesis
    with Client(directory) as client:
        reader = None
        if card_path is not None:
            reader = bundles.card_of(card_path, genesis, bundles.key_book(client, genesis))
        facts = client.ask("facts")
        wanted = bundles.Wanted(
            member=None if every else _lacker(genesis, reader, to),
            party=None if party is None else _member(genesis, party),
            first_seq=first_seq,
            since_ms=None if since is None else moment(since, facts["wall_ms"]),
        )
        entries = bundles.gather(client, genesis, wanted)
    data = bundles.make(identity, entries, facts)
    whole = data if reader is None else bundles.seal(data, genesis, reader)
    written = bundles.write(out, parts.cut(whole, genesis.line, part_bytes))
    how = "OPEN, anybody can read it" if reader is None else f"sealed to {keys.fingerprint(reader.kem)}"
    many = (
        f"{written[0].name}" if len(written) == 1 else f"{len(written)} parts, {written[0].name} to {written[-1].name}"
    )
    click.echo(f"{many}: {len(entries)} entries, {len(whole)} bytes, {how}")


@bundle.command("import")
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@node_option
def import_(paths: tuple[Path, ...], directory: Path) -> None:
    """Bring the bundles in FILE... (all parts, or a directory of them) to the node. What it answers is on its disk.

    Each bundle is checked whole first. What is damaged, not all there or of another line is refused, and nothing of it
    is taken. What is already here is counted as known.

    \b
    Example:
      keepclear bundle import stick/ --node south
    """
    genesis = read_genesis(directory / "genesis")
    key = bundles.reader_key(directory)
    found = [bundles.read_part(path) for path in bundles.files(paths)]
    if not found:
        raise Failure("no file is there", "name the files that keepclear bundle export has written")
    checked = [bundles.opened(group, genesis, key) for group in bundles.grouped(found, genesis)]
    with Client(directory) as client:
        for one in sorted(checked, key=lambda one: one.header.wall_ms):
            new, known, refused = bundles.bring(client, one)
            who = clean(genesis.names[one.header.sender])
            not_taken = f", {refused} NOT TAKEN (keepclear status says why)" if refused else ""
            click.echo(f"of {who}, made {zulu(one.header.wall_ms)}: {new} entries new, {known} known{not_taken}")


@bundle.command()
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--udp", "address", required=True, metavar="ADDRESS", help="Where the watch listens.")
@click.option("--times", type=click.IntRange(1, 1_000), default=3, show_default=True, help="How often, all of them.")
@click.option("--per-s", type=click.IntRange(1, 100_000), default=200, show_default=True, help="Datagrams a second.")
def send(paths: tuple[Path, ...], address: str, times: int, per_s: int) -> None:
    """Send the parts in FILE... as datagrams over a one-way link, again and again: nobody can ask for what is lost.

    \b
    Example:
      keepclear bundle export part --node north --for post.card --part-bytes 1200
      keepclear bundle send part.* --udp 192.0.2.9:47201
    """
    pieces = bundles.datagrams(paths)
    bundles.send(
        pieces, checked({"node": {"member": "-", "dir": "-", "listen": address}}, Path("--udp")).listen, times, per_s
    )
    click.echo(f"sent {len(pieces)} parts {times} times; whether they came nobody here can know")


def _member(genesis: Genesis, name: str) -> int:
    if name not in genesis.names:
        raise Failure(f"{name!r} is no member of the line", f"members are {', '.join(map(clean, genesis.names))}")
    return genesis.names.index(name)


def _lacker(genesis: Genesis, reader: Card | None, to: str | None) -> int | None:
    """Whose receipts say what is left out; None for nobody's."""
    if to is not None:
        return _member(genesis, to)
    return None if reader is None else reader.member
