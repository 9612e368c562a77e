"""What a running node answers about bundles: what a member lacks, the entries themselves, and what is brought.

The law: one answer is bounded, so that no bundle holds up the line. The bundle itself is made and checked by the
process that asks.
"""

from typing import TYPE_CHECKING, Final

from keepclear.host.views import Unanswerable, View
from keepclear.node import lacking as words
from keepclear.node.inputs import Brought, Stamp
from keepclear.record.logbook import MAX_SEQ

if TYPE_CHECKING:
    from keepclear.host.service import Service

MAX_ENTRIES: Final = 500
MAX_ANSWER_BYTES: Final = 1_048_576


def lacking(service: "Service", member: object) -> View:
    """Of each logbook the entries that a member is not known to hold (None: all): ranges of (first seq, count)."""
    core = service.node.core
    if member is not None and not (isinstance(member, int) and 0 <= member < len(core.genesis.names)):
        raise Unanswerable(f"{member!r} is no member's index", "keepclear status names the members")
    found = words.lacking(core, member)
    return {"books": [[book.party, book.incarnation.hex(), _ranges(seqs)] for book, seqs in found]}


def entries(service: "Service", request: View) -> View:
    """The entries in some slots of a logbook, if here and on disk, as hex; from `next` on they are to be asked for."""
    party, incarnation = int(request["party"]), bytes.fromhex(request["incarnation"])
    first, count = int(request["first"]), int(request["count"])
    if not (0 <= count <= MAX_ENTRIES and 0 <= first < MAX_SEQ - MAX_ENTRIES):
        raise Unanswerable(f"{count} entries from {first} on, at most {MAX_ENTRIES} at a time", "ask for fewer")
    out, size, seq = [], 0, first
    while seq < first + count and size < MAX_ANSWER_BYTES:
        raw = words.slot(service.node.core, party, incarnation, seq)
        if raw is not None:
            out.append(raw.hex())
            size += len(raw)
        seq += 1
    return {"entries": out, "next": seq}


def brought(stamp: Stamp, token: bytes, request: View) -> Brought:
    """The input that a request to bring a share of a bundle makes."""
    raws = tuple(bytes.fromhex(raw) for raw in request["entries"])
    if len(raws) > MAX_ENTRIES:
        raise Unanswerable(f"{len(raws)} entries at a time, at most {MAX_ENTRIES}", "bring fewer")
    sender, incarnation = int(request["sender"]), bytes.fromhex(request["incarnation"])
    made_ms, nth, of = int(request["made_ms"]), int(request["nth"]), int(request["of"])
    return Brought(stamp, token, sender, incarnation, made_ms, nth, of, raws)


def _ranges(seqs: list[int]) -> list[list[int]]:
    out: list[list[int]] = []
    for seq in seqs:
        if out and out[-1][0] + out[-1][1] == seq:
            out[-1][1] += 1
        else:
            out.append([seq, 1])
    return out
