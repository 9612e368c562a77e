"""What a journal no longer keeps, and how it goes.

The law: a segment (a snapshot and the inputs after it, up to the next) goes whole, 24 h after it ended, because with
holes it could not be replayed; a batch of tracks goes after 72 h. What was taken in during an incident's window stays,
and so does the newest segment. The snapshot goes first and its inputs follow in bites, so that appending never waits
for a day's worth of removing. While a pin is not as it was written, nothing goes.
"""

import sqlite3
from itertools import pairwise
from typing import Final

from keepclear.host.journal_records import check

ROWS_KEPT_MS: Final = 24 * 3_600_000
BATCHES_KEPT_MS: Final = 72 * 3_600_000
MAX_REMOVED: Final = 200  # inputs, and as many batches, in one transaction: some ten milliseconds


def prune(db: sqlite3.Connection, wall_ms: int) -> int:
    """Removes at most MAX_REMOVED inputs and as many batches, inside the caller's transaction; how many went."""
    if any(chk != check("pins", *pin) for *pin, chk in db.execute("SELECT incident, from_ms, to_ms, chk FROM pins")):
        return 0
    _drop_segments(db, wall_ms - ROWS_KEPT_MS)
    removed = 0
    for after_n, last_n in _dropped(db):
        sql = "DELETE FROM rows WHERE n IN (SELECT n FROM rows WHERE n > ? AND n <= ? ORDER BY n LIMIT ?)"
        removed += db.execute(sql, (after_n, last_n, MAX_REMOVED - removed)).rowcount
    sql = (
        "DELETE FROM batches WHERE digest IN (SELECT digest FROM batches WHERE wall_ms < ? AND NOT EXISTS"
        " (SELECT 1 FROM pins WHERE batches.wall_ms BETWEEN from_ms AND to_ms) ORDER BY wall_ms LIMIT ?)"
    )
    return removed + db.execute(sql, (wall_ms - BATCHES_KEPT_MS, MAX_REMOVED)).rowcount


def _drop_segments(db: sqlite3.Connection, before_ms: int) -> None:
    """Takes the state from snapshots whose segment ended before a time and touches no incident's window."""
    found = db.execute("SELECT n, wall_ms, state IS NULL, version FROM snapshots ORDER BY n").fetchall()
    pins = db.execute("SELECT from_ms, to_ms FROM pins").fetchall()
    for (n, began_ms, dropped, version), (_, ended_ms, _, _) in pairwise(found):
        pinned = any(from_ms <= ended_ms and began_ms <= to_ms for from_ms, to_ms in pins)
        if not dropped and ended_ms < before_ms and not pinned:
            chk = check("snapshots", n, began_ms, version, None)
            db.execute("UPDATE snapshots SET state = NULL, chk = ? WHERE n = ?", (chk, n))


def _dropped(db: sqlite3.Connection) -> list[tuple[int, int]]:
    """The stretches (after_n, last_n] that are dropped. Neighbours become one, so that they stay few."""
    out: list[tuple[int, int]] = []
    for (n, dropped), (last_n, _) in pairwise(
        db.execute("SELECT n, state IS NULL FROM snapshots ORDER BY n").fetchall()
    ):
        if dropped and out and out[-1][1] == n:
            db.execute("DELETE FROM snapshots WHERE n = ?", (n,))
            out[-1] = (out[-1][0], last_n)
        elif dropped:
            out.append((n, last_n))
    return out
