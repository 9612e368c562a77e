"""Where evidence is found: in a running node, which keeps what contradicted itself, or in a record file.

The law: the work is done here, in the process that asks, and not in the node: it hands over its record and the pairs
of signed things that it has disputed. Reading only.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from keepclear.host.cli_errors import Failure
from keepclear.host.client import Client
from keepclear.node.state import MAX_DISPUTES
from keepclear.record import archive, proofs
from keepclear.record import verify as verifying
from keepclear.record.archive import ItemKind
from keepclear.record.entry import Entry
from keepclear.record.evidence import Chain, Evidence, Listed, Noted, Signed, Stated
from keepclear.record.evidence import Path as Inclusion
from keepclear.record.proofs import Pair, Proof
from keepclear.record.verify import Report

CHUNK_BYTES: Final = 1_048_576
LEAST_DIGITS: Final = 4


class Found(msgspec.Struct, frozen=True):
    """A record that was verified, its checkpoint notes, and the pairs of signed things that contradict each other."""

    report: Report
    notes: tuple[bytes, ...]
    pairs: tuple[Pair, ...]

    def proofs(self) -> list[Proof]:
        """What can be proved from it, in the same sequence for the same record."""
        assert self.report.genesis is not None
        return proofs.search(self.report.genesis, self.report.logbooks, self.notes, self.pairs)

    def entry(self, prefix: str) -> Entry:
        """The entry whose hash begins so. Raises Failure."""
        by_leaf = self.report.logbooks.by_leaf
        found = [e for leaf, e in by_leaf.items() if leaf.hex().startswith(prefix.lower())]
        if len(found) != 1 or len(prefix) < LEAST_DIGITS:
            raise Failure(f"{len(found)} entries begin with {prefix!r}", "give more of the hash; at least four digits")
        return found[0]


def of_node(directory: Path) -> Found:
    """What a running node holds. Raises NodeError, Failure."""
    with tempfile.TemporaryDirectory(prefix="keepclear-") as folder, Client(directory) as client:
        path = Path(folder).resolve() / "record"
        client.ask("record", path=str(path))
        disputed = []
        for number in range(MAX_DISPUTES):
            pair = client.ask("dispute", number=number)["pair"]
            if pair is None:
                break
            disputed.append(tuple(bytes.fromhex(raw) for raw in pair))
        found = of_record(path)
    return msgspec.structs.replace(found, pairs=(*disputed, *found.pairs))


def of_record(path: Path) -> Found:
    """What a record file holds. Raises Failure for one that cannot be read."""
    try:
        report = verifying.verify(_chunks(path))
        if report.unreadable is not None or report.genesis is None:
            text = report.unreadable.text if report.unreadable else "no genesis"
            raise Failure(f"{path}: unreadable: {text}", "name a file that keepclear record has written, whole")
        notes = tuple(item.data for item in archive.read(_chunks(path)) if item.kind == ItemKind.NOTE)
    except OSError as error:
        raise Failure(f"{path}: cannot be read: {error.strerror}", "name a file that keepclear record wrote") from error
    pairs = tuple(found.evidence for found in (*report.contradictions, *report.faults) if found.evidence)
    return Found(report, notes, pairs)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(CHUNK_BYTES), b"")


def given_away(evidence: Evidence) -> str:
    """What whoever reads the file learns, in words."""
    counts: dict[str, int] = {}
    words: tuple[tuple[type, str, Callable[..., int]], ...] = (
        (Signed, "headers", lambda _: 1),
        (Chain, "headers", lambda chain: len(chain.headers)),
        (Stated, "receipts or LINKs whole", lambda _: 1),
        (Noted, "checkpoint notes", lambda _: 1),
        (Inclusion, "paths of hashes", lambda _: 1),
        (Listed, "key lists", lambda _: 1),
    )
    for piece in evidence.pieces:
        for kind, name, size in words:
            if isinstance(piece, kind):
                counts[name] = counts.get(name, 0) + size(piece)
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    return (
        f"the line's genesis (members' names, seats, public keys) and {told}: who spoke, when, which kind, which seat,"
        " how urgently, and what its node had seen of the others; not what was said"
    )
