"""How much a peer may bring: far more than people say, and far less than would drown the others.

The law: what is beyond an allowance is not taken *yet*: it is neither verified nor receipted, so the peer keeps it and
brings it again, and how much waits there is told with its number. A FLASH and every notice have allowances of their own
that nothing else uses up. One peer's are of no concern to another's, nor are an author's to whoever relays for it.
"""

from typing import Final

from keepclear.accord.statement import BY_RULE, Kind, Precedence
from keepclear.line import peer as peers
from keepclear.line.bucket import Bucket
from keepclear.line.peer import Peer
from keepclear.node.core import Core
from keepclear.node.watched import Quota
from keepclear.record.entry import Entry
from keepclear.record.logbook import MAX_SEQ

FLASH: Final = "FLASH"
NOTICES: Final = "notices"
RECEIPTS: Final = "receipts"
OTHERS: Final = "other statements"
STARTS: Final = "new logbooks"

# Per second, and at once. People say one in some seconds. A hundred a second are a twentieth of what a core takes in,
# and still bring a record of 100 000 entries to an empty disk in a quarter of an hour; what may come at once is what an
# outage of days leaves behind, a hundred MB.
ALLOWED: Final = {
    FLASH: (20, 10_000),
    NOTICES: (100, 30_000),
    RECEIPTS: (100, 30_000),
    OTHERS: (100, 30_000),
    STARTS: (1, 1_000),
}
NOTES_PER_SECOND: Final = 5  # verifying one takes 0.3 ms, and each comes again every 2 s until it is cosigned
NOTES_BURST: Final = 100
SAFETY: Final = frozenset(
    (
        Kind.NOTICE, Kind.AMEND, Kind.CANCEL, Kind.ACTIVATED, Kind.ENDED, Kind.HAZARD, Kind.ALL_CLEAR, Kind.CEASE_NOW,
        Kind.DISTRESS,
    )
)  # fmt: skip
MAX_WAITING: Final = 10_000  # that are counted; beyond it "or more" is told
TELL_AGAIN_MS: Final = 60_000


def admits(core: Core, peer: Peer, entry: Entry) -> bool:
    """Whether an entry that is not here yet is taken now. It is not verified yet: what it claims costs its bringer."""
    party, incarnation, seq = entry.slot
    if not 0 <= party < len(core.genesis.names) or not 0 <= seq < MAX_SEQ:
        return True  # it cannot be, and is found so before its signature is looked at
    key = bytes((peer.index, party))
    quota = core.state.watched.quotas.get(key)
    if quota is None:
        quota = core.state.watched.quotas[key] = Quota()
    for sort in _sorts(core, entry):
        bucket = quota.allowances.get(sort)
        if bucket is None:
            bucket = quota.allowances[sort] = Bucket(*ALLOWED[sort])
        if not bucket.take(core.mono_ms):
            slot = peers.slot_key(party, incarnation[:8].ljust(8, b"\0"), seq)
            if slot not in quota.waiting and len(quota.waiting) < MAX_WAITING:
                quota.waiting[slot] = sort
            core.count_noise(f"beyond the allowance for {sort}, kept at the peer")
            _tell(core, peer.index, party, quota, sort)
            return False
    return True


def admits_note(core: Core, peer: Peer) -> bool:
    """Whether a checkpoint note of a peer is looked at now; it comes again."""
    notes = core.state.watched.notes
    if notes.setdefault(peer.index, Bucket(NOTES_PER_SECOND, NOTES_BURST)).take(core.mono_ms):
        return True
    core.count_noise("beyond the allowance for checkpoint notes, kept at the peer")
    return False


def begin(core: Core) -> None:
    """After a start the monotonic clock may be another, and the peers bring again what had waited."""
    core.state.watched.quotas, core.state.watched.notes = {}, {}


def follow(core: Core) -> None:
    """Tells anew, once a minute, of what goes on waiting; and once when nothing does any more."""
    for key, quota in core.state.watched.quotas.items():
        if quota.told_ms is None:
            continue
        bringer, author = key
        gone = [slot for slot in quota.waiting if core.entry_in(slot) is not None] if quota.waiting else []
        for slot in gone:
            del quota.waiting[slot]
        if not quota.waiting:
            quota.told_ms = None
            text = f"all that waited at {core.name(bringer)}{_of(core, bringer, author)} has come"
            core.show("quota", text, precedence=Precedence.PRIORITY, facts=(bringer, author, 0))
        elif core.mono_ms - quota.told_ms >= TELL_AGAIN_MS:
            _say(core, bringer, author, quota)


def words(core: Core) -> list[str]:
    """What waits at which peer, in words."""
    return [_words(core, key[0], key[1], quota) for key, quota in core.state.watched.quotas.items() if quota.waiting]


def _sorts(core: Core, entry: Entry) -> tuple[str, ...]:
    """The allowances that an entry takes from. One that opens a logbook takes from two, unless it is of safety."""
    header = entry.header
    if header.precedence == Precedence.FLASH:
        return (FLASH,)
    if header.kind in SAFETY:
        return (NOTICES,)
    sort = RECEIPTS if header.kind in BY_RULE else OTHERS
    return (sort,) if entry.slot[:2] in core.books.books else (STARTS, sort)


def _tell(core: Core, bringer: int, author: int, quota: Quota, sort: str) -> None:
    if quota.told_ms is not None:
        return
    _say(core, bringer, author, quota)
    if sort in (FLASH, NOTICES):
        text = f"{core.name(bringer)} brings more {sort} than can be taken in{_of(core, bringer, author)}"
        core.alarm("quota", f"{text}: the rest waits there; ask by another way what is meant")


def _say(core: Core, bringer: int, author: int, quota: Quota) -> None:
    quota.told_ms = core.mono_ms
    text, count = _words(core, bringer, author, quota), len(quota.waiting)
    core.show("quota", text, precedence=Precedence.IMMEDIATE, facts=(bringer, author, count))


def _words(core: Core, bringer: int, author: int, quota: Quota) -> str:
    counts: dict[str, int] = {}
    for sort in quota.waiting.values():
        counts[sort] = counts.get(sort, 0) + 1
    more = " or more" if len(quota.waiting) >= MAX_WAITING else ""
    what = ", ".join(f"{count}{more} {sort}" for sort, count in counts.items())
    rates = ", ".join(f"{60 * ALLOWED[sort][0]} {sort} a minute" for sort in counts)
    return f"quota: {core.name(bringer)}{_of(core, bringer, author)} {rates}; {what} wait there"


def _of(core: Core, bringer: int, author: int) -> str:
    return "" if bringer == author else f" (of {core.name(author)})"
