"""The world notices what it is there to notice: each of these broken nodes is caught within a few seeds."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import msgspec
import pytest

from keepclear.accord.said import Said
from keepclear.host.hands import Diverged
from keepclear.line import peer as peers
from keepclear.line.frame import EntryItem
from keepclear.node import author, courier, ledger, matters, receipts, reception, reconcile, situation
from keepclear.node.core import Core
from keepclear.node.state import Matter
from keepclear.record.entry import Entry
from keepclear.record.logbook import Incarnation, Verdict
from sim.invariants import Broken
from sim.run import Run

SECONDS = 15
SEEDS = range(12)

Patch = pytest.MonkeyPatch


def receipts_before_durable(patch: Patch) -> None:
    def durable(_: Core, book: Incarnation) -> tuple[int, list[int]]:
        return book.size, book.beyond()

    patch.setattr(Core, "durable", durable)
    patch.setattr(receipts, "_may_be_news", lambda arrival: not arrival.told_durable)


def sends_before_commit(patch: Patch) -> None:
    patch.setattr(courier, "_is_wet", lambda _core, _slot: False)


def goes_on_in_its_incarnation(patch: Patch) -> None:
    begin = author.begin

    def resume(core: Core, fresh: bytes, secret: bytes) -> None:
        if not core.state.author.incarnation:
            begin(core, fresh, secret)

    patch.setattr(author, "begin", resume)


def relays_other_bytes(patch: Patch) -> None:
    def item(raw: bytes, undurable: bool) -> EntryItem:
        wire = msgspec.msgpack.decode(raw)
        if msgspec.msgpack.decode(wire[0])[3] == 1:
            wire[3] = bytes(32)
        return EntryItem(msgspec.msgpack.encode(wire), undurable)

    patch.setattr(courier, "EntryItem", item)


def adopts_nothing(patch: Patch) -> None:
    take = ledger.take

    def only_others(core: Core, entry: Entry, by: int) -> Verdict:
        if entry.header.party == core.me and by != core.me:
            return Verdict.KNOWN
        return take(core, entry, by)

    patch.setattr(reception.ledger, "take", only_others)


def shows_nothing_out_of_sequence(patch: Patch) -> None:
    show = situation.show

    def in_sequence(core: Core, entry: Entry, said: Said, *judged: Any) -> None:
        if entry.header.seq < core.books.books[entry.slot[:2]].size:
            show(core, entry, said, *judged)

    patch.setattr(situation, "show", in_sequence)


def counts_the_last_to_arrive(patch: Patch) -> None:
    def tell(core: Core, matter: Matter, said: Said) -> None:
        matter.status = matters._said_status(matter, said) or matter.status

    patch.setattr(matters, "tell", tell)


def relays_nothing(patch: Patch) -> None:
    """Seen when an author's disk is put back and what one peer has of it never comes to the other."""
    patch.setattr(peers, "due_relays", lambda _peer, _now_ms: [])
    patch.setattr(reconcile.courier, "offer_all", lambda _core, _peer: None)


def depends_on_more_than_its_inputs(patch: Patch) -> None:
    ticks: Iterator[int] = count()
    heartbeat = courier.heartbeat

    def sometimes(core: Core, peer: Any) -> None:
        if next(ticks) % 1_000:
            heartbeat(core, peer)

    patch.setattr(courier, "heartbeat", sometimes)


def does_not_read_a_matter_anew(patch: Patch) -> None:
    patch.setattr(Core, "said_of", lambda _core, _leaf: None)


def fault(seed: int) -> str:
    """What the world says of a seed; "" if nothing."""
    try:
        Run(seed, SECONDS).go()
    except (Broken, Diverged) as error:
        return str(error)
    return ""


CAUGHT: dict[Callable[[Patch], None], tuple[str, ...]] = {
    receipts_before_durable: ("not on its disk", "says that it holds"),
    sends_before_commit: ("sends what is not on its disk", "that nobody has taken in"),
    goes_on_in_its_incarnation: ("signs a second entry",),
    relays_other_bytes: ("that nobody has taken in",),
    adopts_nothing: ("not at rest",),
    shows_nothing_out_of_sequence: ("has not shown",),
    counts_the_last_to_arrive: ("read differently",),
    relays_nothing: ("the copies of", "not at rest"),
    does_not_read_a_matter_anew: ("keeps a picture", "has other effects"),
    depends_on_more_than_its_inputs: ("has other effects", "inputs"),
}


@pytest.mark.parametrize("breaks", CAUGHT, ids=lambda breaks: breaks.__name__)
def test_a_broken_node_is_caught_within_a_few_seeds(breaks: Callable[[Patch], None], monkeypatch: Patch) -> None:
    breaks(monkeypatch)
    caught = next(filter(None, map(fault, SEEDS)), "not caught")
    assert any(words in caught for words in CAUGHT[breaks]), caught
