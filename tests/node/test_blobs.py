"""What a node wants of what statements attach, and what its officer is told of it."""

from typing import Any

import pytest
from tests.node.solo import ALFA, BRAVO, GENESIS, Solo

from keepclear.accord import attached, statement
from keepclear.accord.attached import Attached
from keepclear.accord.statement import Precedence
from keepclear.node import blobs
from keepclear.node.effects import Want
from keepclear.node.inputs import BlobSeen, Say
from keepclear.node.named import Whereabouts
from keepclear.node.node import Node
from keepclear.record.entry import Draft

MAP = Attached(attached.digest(b"map"), 12_000, "image/png")
KEY = blobs.key(MAP.digest, MAP.size)


def say(solo: Solo, file: Attached | None, nth: int = 0) -> bytes:
    """The bytes of a distress of the solo's, with a file; a body of which the file's name is the only difference."""
    body = statement.Distress(volumes=(), last_fix_ms=None, text=str(nth), blob=file.leaf() if file else None)
    draft = Draft(
        body.kind, Precedence.PRIORITY, None, (), GENESIS.everyone, "duty", solo.stamp().wall_ms, None,
        statement.to_bytes(body),
    )  # fmt: skip
    solo.take(Say(solo.stamp(), draft, 0, bytes(32), ()))
    return solo.kept[-1]


def wanted(solo: Solo) -> list[Want]:
    return [one for one in solo.done if isinstance(one, Want)]


def where(solo: Solo) -> int:
    return solo.node.state.blobs.files[KEY].where


@pytest.fixture
def bravo() -> Solo:
    return Solo(BRAVO).start()


@pytest.fixture
def alfa() -> Solo:
    return Solo(ALFA).start()


def seen(solo: Solo, place: Whereabouts, file: Attached = MAP) -> list[Any]:
    solo.done.clear()
    solo.take(BlobSeen(solo.stamp(), file.digest, file.size, place))
    return solo.shows("attached")


def test_what_a_statement_names_is_wanted_once_and_the_statement_is_shown_at_once(alfa: Solo, bravo: Solo) -> None:
    raw = say(alfa, MAP)
    bravo.hear_entry(ALFA, raw)
    assert wanted(bravo) == [Want(MAP.digest, MAP.size, Precedence.PRIORITY, False)]
    assert f"Attached: 12 KB image/png, SHA-256 {MAP.digest.hex()[:8]}." in bravo.shows()[-1].text
    bravo.hear_entry(ALFA, raw)
    bravo.hear_entry(ALFA, say(alfa, MAP, 1))
    assert len(wanted(bravo)) == 1, "another statement that names the same file"
    assert wanted(alfa) == wanted(bravo), "its author's hands look whether it is there, as any others"


def test_the_officer_is_told_when_it_is_here_and_when_it_cannot_be_had(alfa: Solo, bravo: Solo) -> None:
    bravo.hear_entry(ALFA, say(alfa, MAP))
    (nowhere,) = seen(bravo, Whereabouts.NOWHERE)
    assert nowhere.text.endswith("cannot be had from anybody who is on the line; it is asked for again")
    assert not seen(bravo, Whereabouts.NOWHERE), "and once"
    (here,) = seen(bravo, Whereabouts.HERE)
    assert here.text == "12 KB image/png, attached to ALFA 0/0 DISTRESS, is here"
    assert where(bravo) == Whereabouts.HERE
    assert not seen(bravo, Whereabouts.HERE)
    (gone,) = seen(bravo, Whereabouts.AWAY)
    assert "IS NOT HERE ANY MORE" in gone.text


def test_a_file_that_nobody_named_is_nothing_to_the_node(bravo: Solo) -> None:
    before = bravo.node.state.n
    assert not seen(bravo, Whereabouts.HERE)
    assert bravo.node.state.n == before + 1
    assert not bravo.node.state.blobs.files


def test_a_start_wants_again_what_is_not_here_and_has_what_was_here_looked_for(alfa: Solo, bravo: Solo) -> None:
    other = Attached(attached.digest(b"other"), 5)
    for nth, file in enumerate((MAP, other)):
        bravo.hear_entry(ALFA, say(alfa, file, nth))
    seen(bravo, Whereabouts.HERE)
    bravo.done.clear()
    bravo.start()
    assert [(one.digest, one.here) for one in wanted(bravo)] == [(MAP.digest, True), (other.digest, False)]


def test_the_state_comes_back_from_a_snapshot_and_the_names_from_the_record(alfa: Solo, bravo: Solo) -> None:
    bravo.hear_entry(ALFA, say(alfa, MAP))
    seen(bravo, Whereabouts.HERE)
    again = Node(GENESIS, BRAVO)
    again.restore(bravo.node.snapshot(), lambda count: bravo.kept[:count])
    assert again.snapshot() == bravo.node.snapshot()
    anew = Node(GENESIS, BRAVO)
    anew.rebuild(bravo.kept, 5)
    assert anew.state.blobs.files[KEY].where == Whereabouts.AWAY, "the hands say what is on the disk"


def test_what_a_party_names_beyond_its_share_is_not_fetched_unasked(
    alfa: Solo, bravo: Solo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "MAX_SHARE_BYTES", 2 * MAP.size)
    files = [Attached(attached.digest(bytes((nth,))), MAP.size) for nth in range(4)]
    for nth, file in enumerate(files):
        bravo.hear_entry(ALFA, say(alfa, file, nth))
    assert [one.digest for one in wanted(bravo)] == [file.digest for file in files[:2]]
    assert len(bravo.shows("attached")) == 2
    assert "is not fetched unasked: ALFA has named its share" in bravo.shows("attached")[0].text
    bravo.hear_entry(ALFA, say(alfa, files[3], 9))
    assert len(bravo.shows("attached")) == 2
    say(bravo, files[3])
    assert [one.digest for one in wanted(bravo)][2:] == [files[3].digest], "another party has a share of its own"


def test_a_name_that_names_no_file_is_not_wanted(alfa: Solo, bravo: Solo) -> None:
    bravo.hear_entry(ALFA, say(alfa, Attached(b"short", 5)))
    bravo.hear_entry(ALFA, say(alfa, None, 1))
    assert not wanted(bravo)
    assert len(bravo.shows()) == 2
