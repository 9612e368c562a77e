"""Replay is the same fold again: to the same effects and state from wherever it begins, or it says where it is not."""

import pytest

from keepclear.host import hands
from keepclear.host.hands import Diverged
from keepclear.host.journal import MemoryJournal
from keepclear.host.journal_records import Row
from keepclear.node.node import Node
from sim import replaying
from sim.run import GENESIS, KEYS, SETTINGS, Run
from sim.world import World


@pytest.fixture(scope="module")
def world() -> World:
    """Three nodes after a storm, everything on disk."""
    run = Run(11, 20)
    run.go()
    return run.world


def test_from_every_snapshot_to_the_same_state(world: World) -> None:
    assert max(len(member.journal.segments()) for member in world.members) > 3
    for member in world.members:
        starts = [segment.after_n for segment in member.journal.segments()]
        for after_n in starts:
            replaying.compare(member, replaying.replayed(member, after_n), f"from {after_n}")


def test_a_node_is_its_snapshot_and_its_entries(world: World) -> None:
    for member in world.members:
        again = Node(GENESIS, member.index)
        leaves = [raw for _, raw in member.journal.entries()]
        again.restore(member.node.snapshot(), lambda kept, leaves=leaves: leaves[:kept])
        replaying.compare(member, again, "taken up")


def test_an_input_that_is_not_what_it_was_is_found(world: World) -> None:
    journal = world.members[0].journal
    rows = list(journal.read(1))
    at = len(rows) // 2
    rows[at] = Row(rows[at].n, rows[at].input, bytes(16))
    with pytest.raises(Diverged, match=f"input {rows[at].n} "):
        hands.replay(Node(GENESIS, 0), journal, rows)


def test_two_worlds_of_one_seed_write_the_same_journals() -> None:
    """Keys of sessions and signatures of ML-DSA are drawn anew; the calm start of a line has neither in its journal."""
    journals: list[MemoryJournal] = []
    for _ in range(2):
        world = World(5, GENESIS, KEYS, SETTINGS)
        world.start_all()
        journal = world.members[0].journal
        assert isinstance(journal, MemoryJournal)
        journals.append(journal)
        world.run(40)
        world.members[0].flush()
    first, second = ([row.effects_digest for row in journal.read(1)] for journal in journals)
    assert len(first) == len(second) >= 2
    assert first[0] == second[0]
