"""A FLASH entry fits one datagram: the worst that five members can say in three-byte characters, sealed."""

import msgspec
import pytest
from tests.record.build import Line, draw

from keepclear.accord import attached, canonical, form, shape, statement
from keepclear.accord.statement import Activity, HazardKind, HazardSource, Precedence
from keepclear.record.entry import MAX_REFS, Entry, Seen

DATAGRAM_BYTES = 1_090  # 1 280, the least that IPv6 carries whole, less its header, UDP's, and a tunnel's or two
SEAL_BYTES = 35  # type, session, counter, part, parts; the AEAD's tag
LARGEST = 2**32 - 1  # of sequence and sizes: an entry every millisecond for seven weeks
LONGEST_MS = 2**53 - 1
SEAT = "席" * 5 + "7"
TEXT = "警" * 50
CONTACT = "電" * 10 + "77"
# Eight points the world over, in steps that need five bytes each, and nine where it crosses the antimeridian.
RING = [
    (-1_790_000_000, 100_000_000), (-1_000_000_000, 800_000_000), (-500_000_000, 700_000_000),
    (500_000_000, 600_000_000),
    (1_790_000_000, 500_000_000), (-1_790_000_000, -600_000_000), (-500_000_000, -700_000_000), (-1_200_000_000, 0),
]  # fmt: skip
VOLUME = shape.Volume(
    shape.corridor(RING, 100_000_000),
    10_000_000,
    shape.Altitude(-100_000, shape.AltRef.AMSL, 100_000),
    shape.Altitude(3_048_000, shape.AltRef.STD, 100_000),
)
PLAN = {"volumes": (VOLUME,), "start_ms": LONGEST_MS, "end_ms": LONGEST_MS, "text": TEXT, "contact": CONTACT}
URGENT = [
    statement.Notice(activity=Activity.HAZARDOUS, **PLAN),
    statement.Amend(activity=Activity.HAZARDOUS, **PLAN),
    statement.Hazard(
        hazard=HazardKind.DEBRIS, source=HazardSource.UNKNOWN, volumes=(VOLUME,), since_ms=LONGEST_MS, text=TEXT,
        contact=CONTACT,
    ),
    statement.CeaseNow(volumes=(VOLUME,), at_ms=LONGEST_MS, text=TEXT, contact=CONTACT),
    statement.Distress(volumes=(VOLUME,), last_fix_ms=LONGEST_MS, aboard=70_000, text=TEXT, contact=CONTACT),
]  # fmt: skip


def worst(body: statement.Body, *, refs: int) -> Entry:
    """The largest entry that a node can come to make of a body, with two releases."""
    line = Line(names=tuple(f"{'席' * 5}{i}" for i in range(5)), observers=(), seats=(SEAT, "chief"))
    draft = line.draft(
        body,
        precedence=Precedence.FLASH,
        seat=SEAT,
        valid_from_ms=LONGEST_MS,
        expiry_ms=LONGEST_MS,
        refs=tuple(draw("ref", i) for i in range(refs)),
        replaces=draw("replaced") if body.kind == statement.Kind.AMEND else None,
    )
    seen = tuple(Seen(draw("incarnation", i)[:8], LARGEST, LONGEST_MS) for i in range(4))
    headers = {
        "epoch": 65_535, "start": 99_999, "seq": LARGEST, "prev": draw("prev"), "seen": seen, "wall_ms": LONGEST_MS,
        "wall_err_ms": 86_400_000, "key": 127,
    }  # fmt: skip
    return line.sign(0, draft, (SEAT, "chief"), headers)


def sealed_bytes(entry: Entry) -> int:
    """The datagram that carries the entry, and the word that the disk has failed, in a frame of its own."""
    frame = ["udp1", LONGEST_MS, LONGEST_MS, LONGEST_MS, LARGEST, [[1, entry.raw, False], [6, 2]]]
    return len(canonical.encode(frame)) + SEAL_BYTES


@pytest.mark.parametrize("refs", range(MAX_REFS + 1))
@pytest.mark.parametrize("body", URGENT, ids=lambda body: body.kind.name)
def test_a_flash_entry_fits_one_datagram(body: statement.Body, refs: int) -> None:
    entry = worst(body, refs=refs)
    assert len(TEXT.encode()) == statement.MAX_FLASH_TEXT_BYTES
    assert len(CONTACT.encode()) == statement.MAX_CONTACT_BYTES
    assert len(SEAT.encode()) == statement.MAX_SEAT_BYTES
    assert len(RING) == shape.MAX_VERTICES
    assert sealed_bytes(entry) <= DATAGRAM_BYTES


def test_a_flash_that_names_a_file_fits_one_datagram() -> None:
    """As much as the form lets through of a statement with an attachment is no longer than one without."""
    named = (draw("file"), attached.MAX_BYTES, "x" * attached.MAX_TYPE_BYTES)
    body = msgspec.structs.replace(URGENT[1], blob=named, text="")
    room = form.MAX_FLASH_BODY_BYTES - len(statement.to_bytes(body))
    body = msgspec.structs.replace(body, text="x" * (room - 1))
    assert 0 < room < len(TEXT.encode()), "not all words have room beside it"
    assert len(statement.to_bytes(body)) == form.MAX_FLASH_BODY_BYTES
    assert sealed_bytes(worst(body, refs=MAX_REFS)) <= DATAGRAM_BYTES


def test_the_figures_that_are_told() -> None:
    """The sizes in the documents; a change here is a change of the wire."""
    notice, amend = worst(URGENT[0], refs=0), worst(URGENT[1], refs=MAX_REFS)
    assert (len(notice.raw), sealed_bytes(notice)) == (896, 979)
    assert (len(amend.raw), sealed_bytes(amend)) == (997, 1_080)
