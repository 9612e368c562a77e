"""Replaying a member's journal, in whole and from its snapshots, and comparing with the member as it is.

The law: the same inputs give the same effects and the same state, byte for byte, wherever the replay begins.
"""

from keepclear.host import hands
from keepclear.host.hands import Diverged
from keepclear.host.journal import Journal
from keepclear.node.node import Node
from sim.invariants import Broken
from sim.world import Member


def check(member: Member) -> None:
    """Replays from the oldest segment, and from the newest snapshot as recovery does."""
    after_n = member.journal.segments()[0].after_n
    compare(member, replayed(member, after_n), f"from input {after_n}")
    recovered = Node(member.world.genesis, member.index)
    hands.recover(recovered, member.journal)
    compare(member, recovered, "at recovery")


def replayed(member: Member, after_n: int) -> Node:
    """A fresh node, taken from a snapshot to the journal's end."""
    node = Node(member.world.genesis, member.index)
    journal: Journal = member.journal
    hands.load(node, journal, journal.snapshot(after_n))
    try:
        hands.replay(node, journal, journal.read(after_n + 1))
    except Diverged as error:
        world = member.world
        raise Broken(f"seed {world.seed}, {world.now} ms: {member.index} replayed from {after_n}: {error}") from error
    return node


def compare(member: Member, node: Node, how: str) -> None:
    """Raises Broken unless the replayed node is what the member's is."""
    world = member.world
    if node.snapshot() != member.node.snapshot():
        raise Broken(f"seed {world.seed}, {world.now} ms: {member.index} replayed {how} ends in another state")
    same = [book.root(book.size) for book in node.books.all()] == [b.root(b.size) for b in member.node.books.all()]
    if not same or list(node.books.by_leaf) != list(member.node.books.by_leaf):
        raise Broken(f"seed {world.seed}, {world.now} ms: {member.index} replayed {how} has another record")
