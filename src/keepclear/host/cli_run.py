"""`keepclear run`: a node in the foreground, and what it tells its officer on this terminal.

The law: a statement counts as displayed only while this terminal takes lines; with --quiet somebody has to follow
elsewhere (`keepclear show --follow`, the console). An error of configuration, keys or journal is told before anything
listens.
"""

import errno
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from keepclear.accord.figures import clean
from keepclear.host import runner
from keepclear.host.cli_errors import Failure
from keepclear.host.config import Config, read_config
from keepclear.host.hands import Diverged
from keepclear.host.identity import load_identity
from keepclear.host.service import Listener, Service
from keepclear.host.terminal import UNTOLD, Printer, happening, line
from keepclear.node.effects import Alarm, Show
from keepclear.node.inputs import Stamp
from keepclear.record.genesis import Genesis

watchdog_option: Final = click.option(
    "--watchdog/--no-watchdog", default=True, envvar="KEEPCLEAR_WATCHDOG",
    help="Start a process beside the node that sounds when the node does not live.",
)  # fmt: skip


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--quiet", is_flag=True, help="Print nothing; then nothing counts as displayed here.")
@watchdog_option
def run(config: Path, quiet: bool, watchdog: bool) -> None:
    """Run the node of CONFIG (a node.toml, or the directory that it is in) until Ctrl-C.

    Each line is what the officer is told: Zulu time, ALARM or the precedence, who, what. A statement of a peer counts
    as displayed when it has been printed here.

    \b
    Example:
      keepclear run river/NORTH/node.toml
    """
    path = config / "node.toml" if config.is_dir() else config
    found = msgspec.structs.replace(read_config(path), watchdog=watchdog)
    identity = load_identity(found.dir)
    name = identity.genesis.names[identity.member]
    if found.member != name:
        raise Failure(
            f"{path}: node.member is {found.member!r}, the keys in {found.dir} are those of {name!r}",
            "write the name that goes with the keys, or point dir to the other directory",
        )
    foreground(found, identity.genesis.names, name, quiet, lambda s: _greeting(found, identity.genesis, s))


def foreground(
    config: Config,
    names: Sequence[str],
    own: str,
    quiet: bool,
    greeting: Callable[[Service], str],
    make: Callable[[Config], Service] = runner.of_member,
) -> None:
    """Runs a node on this terminal until it is ended. Raises Failure for what keeps it from running."""
    if quiet:
        _run(config, None, None, make)
        return
    printer = Printer(sys.stdout)
    running: list[Service] = []

    def listen(told: Show | Alarm, stamp: Stamp) -> bool:
        if told.what in UNTOLD or (running and running[0].counted):
            return False
        return printer.put(line(happening(told, stamp), names, own, printer.styled))

    def ready(service: Service) -> None:
        running.append(service)
        printer.put(greeting(service))

    try:
        _run(config, listen, ready, make)
    finally:
        printer.close()


def _greeting(config: Config, genesis: Genesis, service: Service) -> str:
    listen, tracks = (f"{host}:{port}" for host, port in (config.listen, config.tracks))
    return (
        f"{clean(config.member)} on line {genesis.line.hex()[:16]} ({clean(genesis.body.name)}), mode"
        f" {genesis.mode.name}, {service.replayed} inputs replayed, peers on {listen}, tracks on {tracks};"
        " this gives no permission; Ctrl-C ends it"
    )


def _run(
    config: Config,
    listener: Listener | None,
    ready: Callable[[Service], None] | None,
    make: Callable[[Config], Service],
) -> None:
    try:
        runner.run(config, listener, ready, make)
    except Diverged as error:
        raise Failure(
            f"{config.dir / 'journal.db'}: {error}",
            "keepclear replay says where; move the journal aside and keep it, the peers have the record",
        ) from error
    except msgspec.DecodeError as error:
        raise Failure(f"{config.dir / 'settings.json'}: {error}", "mend the file, or take it away") from error
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
            raise
        raise Failure(
            f"{config.dir}: cannot listen: {error.strerror}",
            "look whether a node runs already; give listen, tracks and sbs addresses of this machine that are free",
        ) from error
