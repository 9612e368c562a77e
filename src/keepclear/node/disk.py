"""The disk that takes nothing, ours or a peer's: told at every end, while warnings go on.

The law: our own is told to all in each frame, so that they need not wait for receipts that do not come; a newer frame
without that word says that it takes what it is given again. FLASH does not wait for a disk that hangs or has failed.
"""

from collections.abc import Iterable
from typing import Final

from keepclear.line.frame import Ailing, Disk, Item
from keepclear.line.peer import Peer
from keepclear.node import courier
from keepclear.node.core import Core

_WORDS: Final = {
    Ailing.NOTHING: "takes what it is given again: what had waited is recorded and receipted now",
    Ailing.HANGS: "takes nothing: what is said to it is shown there, and neither recorded nor receipted until it does",
    Ailing.FAILED: "has failed: what is said to it is shown there, and neither recorded nor receipted",
}


def fails(core: Core, reason: str) -> None:
    """Our own disk has failed."""
    core.state.disk_failed = reason
    core.alarm("disk", f"the disk has failed ({reason}): nothing is receipted any more, warnings go on")
    courier.send_wet_flash(core)


def hangs(core: Core, waited_ms: int) -> None:
    """Our own disk has taken nothing for so long; 0: it does again."""
    core.state.disk_hangs = waited_ms > 0
    if waited_ms:
        text = f"the disk has taken nothing for {waited_ms // 1_000} s: until it does, only FLASH goes out"
        core.alarm("disk", f"{text}; warnings go on; say what is urgent as FLASH, and by other means")
        courier.send_wet_flash(core)
    else:
        core.show("disk", "the disk takes what it is given again: what had waited goes out now", precedence=2)


def hear(core: Core, peer: Peer, mono_ms: int, items: Iterable[Item]) -> None:
    """Takes a peer's word on its own disk, or that there is none, from a frame of a time of its clock."""
    if peer.ailed_ms is not None and mono_ms <= peer.ailed_ms:
        return
    peer.ailed_ms = mono_ms
    ailing = next((item.ailing for item in items if isinstance(item, Disk)), Ailing.NOTHING)
    if ailing == peer.ailing:
        return
    peer.ailing = ailing
    text = f"the disk of {core.name(peer.index)} {_WORDS[ailing]}"
    core.show("disk", text, precedence=2, facts=(peer.index, int(ailing)))
    if ailing is not Ailing.NOTHING:
        core.alarm("disk", text)
