"""`keepclear watch`: a receive-only node in the foreground, told by bundles alone.

The law: nothing goes back to where the bundles come from. It warns of what the members have said, against own tracks
and plans that nobody else sees; it cannot acknowledge, ask or answer.
"""

from pathlib import Path
from typing import Final

import click
import msgspec

from keepclear.accord.figures import clean
from keepclear.host import bundle as bundles
from keepclear.host.cli_errors import Failure
from keepclear.host.cli_run import foreground, watchdog_option
from keepclear.host.config import Config, checked
from keepclear.host.identity import read_genesis
from keepclear.host.service import settings_for
from keepclear.host.watch import maker
from keepclear.node.core import WATCH
from keepclear.record.genesis import Genesis

NOWHERE: Final = "127.0.0.1:0"  # not opened
MINUTE_MS: Final = 60_000


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--bundles", "folder", metavar="FOLDER", type=click.Path(path_type=Path), help="Look for bundles here.")
@click.option("--udp", metavar="ADDRESS", help="Take parts of bundles from datagrams to this address.")
@click.option("--tracks", metavar="ADDRESS", default="127.0.0.1:47101", show_default=True, help="Own tracks and plans.")
@click.option("--sbs", metavar="ADDRESS", default="", help="Own tracks as SBS lines.")
@click.option("--expose-tracks", is_flag=True, help="Let other machines reach --tracks and --sbs.")
@click.option(
    "--within",
    metavar="MINUTES",
    type=click.IntRange(0, 100_000),
    default=0,
    help="Call when no bundle comes for so long.",
)
@click.option("--quiet", is_flag=True, help="Print nothing.")
@watchdog_option
def watch(
    directory: Path,
    folder: Path | None,
    udp: str | None,
    tracks: str,
    sbs: str,
    expose_tracks: bool,
    within: int,
    quiet: bool,
    watchdog: bool,
) -> None:
    """Watch a line from DIR, which holds its genesis: advise on own tracks and plans by what comes in bundles.

    It has no key of the line, is none of its members and sends nothing back.

    \b
    Example:
      mkdir -m 700 post && cp river/NORTH/genesis post/
      keepclear bundle card post.card --node post          (give it to those who make the bundles)
      keepclear watch post --bundles /media/inbox --within 15
    """
    genesis = read_genesis(directory / "genesis")
    if bundles.is_node(directory):
        raise Failure(f"{directory}: is a member's node, with its key", "give the watch a directory of its own")
    if folder is None and udp is None:
        raise Failure("neither --bundles nor --udp", "say where the bundles come from")
    node = {
        "member": WATCH, "dir": str(directory.resolve()), "listen": udp or NOWHERE, "tracks": tracks, "sbs": sbs,
        "expose_tracks": expose_tracks,
    }  # fmt: skip
    config = msgspec.structs.replace(checked({"node": node}, Path("keepclear watch")), watchdog=watchdog)
    one_way = None if udp is None else config.listen
    settings = msgspec.structs.replace(settings_for(directory), bundle_within_ms=within * MINUTE_MS)
    foreground(
        config,
        (*genesis.names, WATCH),
        WATCH,
        quiet,
        lambda service: _greeting(genesis, config, service.replayed, udp, folder),
        maker(settings, folder, one_way),
    )


def _greeting(genesis: Genesis, config: Config, replayed: int, udp: str | None, folder: Path | None) -> str:
    sources = " and ".join([*([str(folder)] if folder else []), *([f"datagrams to {udp}"] if udp else [])])
    return (
        f"a watch of line {genesis.line.hex()[:16]} ({clean(genesis.body.name)}), mode {genesis.mode.name}, {replayed}"
        f" inputs replayed, bundles from {sources}, tracks on {config.tracks[0]}:{config.tracks[1]}; nothing goes back;"
        " this gives no permission; Ctrl-C ends it"
    )
