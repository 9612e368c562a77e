"""Opening a node's journal whatever has become of it: as it is, or mended from what is left of it.

The law: what is damaged is never replayed, never served, never guessed. Of a damaged journal every whole entry is kept,
the state is taken from the newest snapshot that everything it rests on is whole of, and replayed as far as the inputs
go; the rest is read from the record. What is missing then, the peers are asked for, as by any node that lacks it. The
damaged file lies beside, untouched. Whatever cannot be had again is told, never invented.
"""

from pathlib import Path
from typing import Final

import msgspec

from keepclear.host import hands, salvage
from keepclear.host.hands import Diverged
from keepclear.host.journal import Journal
from keepclear.host.journal_error import JournalDamaged, JournalError
from keepclear.host.journal_place import beside, held
from keepclear.host.journal_records import Snapshot
from keepclear.host.salvage import Kept, Left
from keepclear.node.node import VERSION, Node
from keepclear.node.state import State
from keepclear.record.genesis import Genesis

NEW: Final = "-new"  # a mended journal that is being written


class Opened(msgspec.Struct):
    """A journal, the node that it brings back, how many inputs were replayed, and what an officer is to be told."""

    journal: Journal
    node: Node
    replayed: int
    told: tuple[str, ...]


def open_node(path: Path, genesis: Genesis, member: int, wall_ms: int) -> Opened:
    """The node whose journal this is, as it was when it ended, or as much of it as is left.

    Raises JournalBusy, JournalError (the file is another version's, or the disk takes nothing), Diverged.
    """
    try:
        return _as_it_is(path, genesis, member, wall_ms)
    except JournalDamaged as error:
        told = _mend(path, genesis, member, wall_ms, str(error))
    opened = _as_it_is(path, genesis, member, wall_ms)
    opened.told = (told, *opened.told)
    return opened


def _as_it_is(path: Path, genesis: Genesis, member: int, wall_ms: int) -> Opened:
    journal = Journal.open(path)
    try:
        node = Node(genesis, member)
        replayed = hands.recover(node, journal, wall_ms)
    except BaseException:
        journal.close()
        raise
    return Opened(journal, node, replayed, journal.doubts)


def _mend(path: Path, genesis: Genesis, member: int, wall_ms: int, why: str) -> str:
    """Writes a whole journal of what is left and puts it in the damaged one's place; answers what is to be told."""
    try:
        with held(path) as place:
            left, node, words = _brought_back(path, genesis, member)
            new = beside(path, NEW)
            _remove(new)
            _write(new, left, node, wall_ms)
            aside = place.set_aside(new)
            _remove(new)
    except OSError as error:
        raise JournalError(f"{why}; it cannot be mended: {error.strerror}: free the disk, then start anew") from error
    what = why.removeprefix(f"{path}: damaged: ").partition(": ")[0]
    return (
        f"the journal was damaged ({what}) and has been mended: {words}; what is missing is asked of the peers;"
        f" the damaged one lies in {aside.name}: keep it, and look at the disk"
    )


def _remove(new: Path) -> None:
    for one in (new, beside(new, "-wal"), beside(new, "-held")):
        one.unlink(missing_ok=True)


def _write(path: Path, left: Left, node: Node, wall_ms: int) -> None:
    journal = Journal.open(path)
    try:
        entries = [(entry.leaf, entry.raw) for entry in node.books.by_leaf.values()]
        snapshot = Snapshot(node.state.n, VERSION, node.snapshot())
        journal.append([], wall_ms, entries=entries, notes=list(left.notes.values()), snapshot=snapshot)
    finally:
        journal.close()


def _brought_back(path: Path, genesis: Genesis, member: int) -> tuple[Left, Node, str]:
    """What is left, the node that can be had of it, and that in words."""
    left = salvage.read(path)
    node, reached = Node(genesis, member), "what only the state held is gone: give own plans and tracks again"
    if basis := _basis(left):
        since = salvage.read(path, basis)
        try:
            node.restore(basis.state, lambda kept: [left.entries[i + 1][1] for i in range(kept)])
            _replay(node, since)
            reached = f"the state is as after input {node.state.n} of {left.last_n}"
            if node.state.n < left.last_n:
                reached += ": look whether own plans and tracks since then are there"
        except Diverged:
            node = Node(genesis, member)
    raws = [left.entries[i][1] for i in sorted(left.entries)]
    node.rebuild(raws, left.last_n)
    known, most = len(node.books.by_leaf), max((0, *left.entries))
    return left, node, f"{known} entries are whole, of {most} that were numbered; {reached}"


def _basis(left: Left) -> Kept | None:
    """The newest snapshot of this version whose entries are all whole; None if there is none."""
    whole = 0
    while whole + 1 in left.entries:
        whole += 1
    usable = (left.snapshots[n] for n in sorted(left.snapshots, reverse=True) if left.snapshots[n].version == VERSION)
    return next((one for one in usable if _kept(one) <= whole), None)


def _kept(snapshot: Kept) -> int:
    """How many entries a snapshot's state rests on."""
    return msgspec.msgpack.decode(snapshot.state, type=State).kept


def _replay(node: Node, left: Left) -> None:
    """Steps what follows without a gap. Raises Diverged."""
    while (row := left.rows.get(node.state.n + 1)) is not None:
        try:
            hands.replay(node, left, [row])
        except LookupError:  # its tracks or plans are not there
            return
