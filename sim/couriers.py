"""Couriers: what a member has packed for another, and how it is brought.

The law: packed is what the real rule packs, brought is the real input; only the file between them is left out.
"""

from keepclear.node import lacking
from keepclear.node.inputs import Brought
from sim.world import START_WALL_MS, Member

Packed = tuple[int, bytes, int, tuple[bytes, ...]]  # by whom, in which start, when, the entries


def packed(sender: Member, reader: int | None) -> Packed:
    """What a bundle of the sender for a reader holds (None: everything)."""
    core = sender.node.core
    slots = [(book, seq) for book, seqs in lacking.lacking(core, reader) for seq in seqs]
    raws = [lacking.slot(core, book.party, book.incarnation, seq) for book, seq in slots]
    start = core.state.author.incarnation
    return sender.index, start, START_WALL_MS + sender.world.now, tuple(raw for raw in raws if raw is not None)


def bring(reader: Member, bundle: Packed, token: bytes) -> None:
    """Brings a bundle to a member that is up."""
    sender, start, made_ms, raws = bundle
    reader.take(Brought(reader.stamp(), token, sender, start, made_ms, 0, 1, raws))
