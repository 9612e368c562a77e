"""How fast a record is verified, beside bare signature checks.

The law: the record is that of the tests' line, three members who speak in turn, with receipts and cosigned checkpoints;
the floor under any verifier is one Ed25519 check for each signature of an entry, its author's and its releases', by
the same library.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.record.build import Line, notice

from bench import Table, figure, median_ms
from keepclear.accord.statement import Precedence
from keepclear.record import entry, suite
from keepclear.record.verify import verify

ROUNDS: Final = 250  # of three notices, each receipted by the next member
CHECKPOINT_EVERY: Final = 50


def tables() -> Iterator[Table]:
    """Entries verified a second in one process."""
    line = _line()
    record = line.record()
    report = verify([record])
    ours_ms = median_ms(partial(verify, [record]), runs=3)
    floor_ms = median_ms(partial(_bare_checks, line), runs=3)
    yield Table(
        "a record verified in one process, against the Ed25519 checks of its entries and nothing else",
        ["entries", "signatures", "bytes an entry", "sound", "entries/s", "signatures only", "ours / bare"],
        [
            [
                f"{report.entries:,}",
                f"{report.signatures:,}",
                figure(len(record) / report.entries),
                "yes" if report.sound else "NO",
                figure(1000 * report.entries / ours_ms),
                figure(1000 * report.entries / floor_ms),
                figure(ours_ms / floor_ms),
            ]
        ],
    )


def _line() -> Line:
    line = Line()
    for n in range(ROUNDS):
        for member in range(3):
            line.clock_ms += 1_000
            line.say(member, notice(f"Live firing {n}"), precedence=Precedence.PRIORITY, releasing=("duty",))
            line.receipt((member + 1) % 3, member)
        if n % CHECKPOINT_EVERY == 0:
            line.sign_checkpoint(0, cosigners=(1, 2))
    return line


def _bare_checks(line: Line) -> None:
    keys = [owner.key.ed25519 for owner in line.genesis.keys]
    for one in line.entries(0):
        h = one.header
        assert suite.verify_ed25519(keys[h.key], entry.signing_message(one.header_bytes), one.signature)
        draft = entry.draft_of_header(h, one.body)
        message = entry.release_message(h.line, h.epoch, h.party, draft, h.body_root)
        for release in one.releases:
            assert suite.verify_ed25519(keys[release.key], message, release.signature)
