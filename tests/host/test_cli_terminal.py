"""Lines for an officer: what they say, and that a terminal that stands still holds nobody up."""

import io
from threading import Event

import click
import pytest

from keepclear.accord.times import parse_time
from keepclear.host import terminal
from keepclear.host.terminal import Printer, happening, line
from keepclear.node.effects import Alarm, Show
from keepclear.node.inputs import Stamp

NAMES = ("A", "B", "OBS")
AT = Stamp(0, parse_time("2018-09-17T18:39:00.250Z"), 100)
LEAF = bytes.fromhex("7c31a9f0" + "00" * 28)


def test_a_statement_is_one_line_with_time_urgency_author_hash_and_marks() -> None:
    told = Show("statement", LEAF, 1, "B 0/4 NOTICE: B announces.\nWhere: not stated.", (1, 1, 4, ("LATE", "VAGUE")))
    assert line(happening(told, AT), NAMES, "A") == (
        "18:39:00Z  FLASH      B  statement 7c31a9f0 [LATE, VAGUE]: B 0/4 NOTICE: B announces. Where: not stated."
    )


def test_an_alarm_rings_and_is_red_where_there_is_colour_and_says_so_where_there_is_none() -> None:
    told = happening(Alarm("line dead", "the line to B is dead"), AT)
    plain, styled = line(told, NAMES, "A"), line(told, NAMES, "A", styled=True)
    assert plain == "18:39:00Z  ALARM      A  line dead: the line to B is dead"
    assert styled.startswith("\a\x1b[31m")
    assert click.unstyle(styled) == "\a" + plain


def test_flash_stands_out_in_words_and_in_weight() -> None:
    flash, routine = (happening(Show("owed", LEAF, urgency, "not acknowledged"), AT) for urgency in (1, 4))
    assert " FLASH " in line(flash, NAMES, "A")
    assert "\x1b[1m" in line(flash, NAMES, "A", styled=True)
    assert "\x1b" not in line(routine, NAMES, "A", styled=True)


def test_what_comes_from_outside_cannot_hide_or_turn_round_other_text() -> None:
    told = Show("raw", None, 1, "not understood: \x1b[2J\u202egnos\rA")
    text = line(happening(told, AT), NAMES, "A", styled=False)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\r" not in text


def test_it_names_whom_it_is_about() -> None:
    ladder = Show("ladder", LEAF, 2, "OBS: displayed", (2, "displayed"))
    unknown = Show("ladder", LEAF, 9, "somebody", (7, "displayed"))
    assert line(happening(ladder, AT), NAMES, "A") == "18:39:00Z  IMMEDIATE  OBS  ladder 7c31a9f0: OBS: displayed"
    assert line(happening(unknown, AT), NAMES, "A").startswith("18:39:00Z  9          A  ladder")


class Stuck(io.StringIO):
    """A terminal that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.free = Event(), Event()

    def write(self, text: str) -> int:
        self.entered.set()
        assert self.free.wait(60)
        return super().write(text)


def test_while_a_terminal_stands_still_nothing_counts_as_seen_and_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "SEEN_WITHIN_S", 0.0)
    monkeypatch.setattr(terminal, "MAX_BEHIND", 3)
    stream = Stuck()
    printer = Printer(stream)
    printer.put("one")
    assert stream.entered.wait(60)
    assert not printer.put("two")
    assert [printer.put(text) for text in ("three", "four", "lost", "lost too")] == [False] * 4
    stream.free.set()
    printer.close()
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["one", "two"]
    assert "2 lines were not shown here: keepclear show has what is in force" in lines
    assert [text for text in lines if "shown" not in text] == ["one", "two", "three", "four"]


def test_a_terminal_that_takes_lines_has_seen_them() -> None:
    stream = io.StringIO()
    printer = Printer(stream)
    assert printer.put("one")
    assert printer.put("two")
    printer.close()
    assert stream.getvalue() == "one\ntwo\n"


def test_a_terminal_that_was_closed_sees_nothing_and_breaks_nothing() -> None:
    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    printer = Printer(Closed())
    printer.put("one")
    printer.close()
    assert not printer.put("two")
