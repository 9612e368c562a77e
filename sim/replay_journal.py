"""Replays a journal in a file: `python -m sim.replay_journal <folder> <member>`; one line of JSON to standard output.

The law: the same inputs give the same effects, input by input, and the same state, in whatever process.
"""

import sys
import time
from hashlib import blake2b
from pathlib import Path

import msgspec

from keepclear.host import hands
from keepclear.host.journal import Journal
from keepclear.node.node import Node
from keepclear.record import checkpoint
from keepclear.record.genesis import Genesis

JOURNAL, GENESIS = "journal.sqlite", "genesis"


class Replayed(msgspec.Struct):
    """What a replay found: inputs stepped, how long it took, digests of the state and of the record."""

    inputs: int
    seconds: float
    state: str
    record: str


def digests(node: Node) -> tuple[str, str]:
    """The digest of a node's state, and the joint checkpoint of its record."""
    joint = checkpoint.joint(node.core.genesis.line, node.books.all())
    return blake2b(node.snapshot(), digest_size=16).hexdigest(), joint.hex()


def replay(folder: Path, member: int) -> Replayed:
    """Replays from the oldest segment to the end. Raises Diverged at the first effect that is another."""
    node = Node(Genesis.read((folder / GENESIS).read_bytes()), member)
    journal = Journal.open(folder / JOURNAL)
    try:
        began = time.monotonic()
        first = journal.segments()[0].after_n
        hands.load(node, journal, journal.snapshot(first))
        hands.replay(node, journal, journal.read(first + 1))
        took = time.monotonic() - began
    finally:
        journal.close()
    return Replayed(journal.last_n - first, round(took, 3), *digests(node))


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(replay(Path(sys.argv[1]), int(sys.argv[2]))).decode() + "\n")
