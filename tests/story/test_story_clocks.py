"""The clocks of the others: a jump, another zone's time, and a time that a statement cannot have been said at."""

from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.line.paths import UDP
from keepclear.node import clocks

HOUR = 60 * MINUTE
BETWEEN = [(a, b, UDP) for a in (A, B, OBSERVER) for b in (A, B, OBSERVER) if a != b]


def test_clocks_that_agree_are_not_spoken_of() -> None:
    line = Line()
    line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(MINUTE)
    assert not [line.shown(who, "clock") for who in (A, B, OBSERVER) if line.shown(who, "clock")]


def test_an_hours_step_is_told_at_both_ends_once_as_a_jump_and_as_another_zones_time() -> None:
    line = Line()
    line.run(5_000)
    line.member(A).skew_ms = HOUR
    line.run(10_000)
    jump, apart = line.shown(B, "clock")
    assert "ALFA's clock against ours has jumped ahead by 3599" in jump.text
    assert apart.text.startswith("ALFA's clock is 3599")
    assert apart.text.endswith("ahead of ours, 1 h: a time of another zone at one end?")
    assert sorted(one.facts[0] for one in line.shown(A, "clock")) == [B, B, OBSERVER, OBSERVER]
    assert line.shown(A, "clock")[0].facts[1] < 0, "by A's clock the others have jumped back"
    line.run(MINUTE)
    assert len(line.shown(B, "clock")) == 2, "told once"
    line.member(A).skew_ms = 0
    line.run(10_000)
    assert line.shown(B, "clock")[-1].text == "ALFA's clock and ours agree again"


def test_what_only_one_exchange_says_is_no_jump() -> None:
    line = Line()
    line.run(5_000)
    line.member(A).skew_ms = 20_000
    line.run(1_000)
    line.member(A).skew_ms = 0
    line.run(20_000)
    assert not line.shown(B, "clock")


def test_a_clock_that_is_beyond_what_both_declare_is_told() -> None:
    line = Line()
    line.member(A).skew_ms = -5_000
    line.run(10_000)
    told = line.shown(B, "clock")[-1].text
    assert told.startswith("ALFA's clock is 4.9")
    assert told.endswith("behind ours, more than both declare")


def test_a_statement_from_after_its_arrival_is_shown_and_so_is_that_it_cannot_be() -> None:
    line = Line()
    line.run(5_000)
    line.member(A).skew_ms = 30_000
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(500)
    assert line.shown(B, "statement", leaf)
    [told] = line.shown(B, "clock", leaf)
    assert "ALFA says that it said this at" in told.text
    assert "; when it came, its clock was not beyond " in told.text


def test_a_statement_from_before_the_one_before_it_is_told() -> None:
    line = Line()
    line.say(A, notice(line.wall_ms + 30 * MINUTE))
    line.run(5_000)
    line.member(A).skew_ms = -HOUR
    leaf = line.say(A, notice(line.wall_ms + 40 * MINUTE))
    line.run(500)
    [told] = line.shown(B, "clock", leaf)
    assert "; it had said what stands before it by " in told.text


def test_the_bracket_of_a_statement_holds_its_time_and_the_least_notice_is_no_more_than_the_true_one() -> None:
    line = Line()
    line.member(A).skew_ms = 700  # less than is told
    line.run(5_000)
    start_ms = line.wall_ms + 30 * MINUTE
    leaf = line.say(A, notice(start_ms + 700))  # by A's clock
    said_ms = line.wall_ms + 700
    line.run(1_000)
    matter = line.matter(B, leaf)
    earliest_ms, latest_ms = matter.bracket
    assert earliest_ms is not None
    assert latest_ms is not None
    assert earliest_ms - 50 <= said_ms <= latest_ms <= said_ms + 1_000
    least_ms = clocks.least_notice_ms(line.member(B).node.core, matter)
    assert least_ms is not None
    assert start_ms - matter.came_ms - 1_000 <= least_ms <= start_ms - matter.came_ms
    assert clocks.least_notice_ms(line.member(A).node.core, line.matter(A, leaf)) is None, "our own clock is ours"


def test_an_outage_widens_what_is_known_by_what_two_clocks_can_drift() -> None:
    line = Line()
    line.run(5_000)
    offset = line.member(B).node.state.clocks[A].offset
    assert offset is not None
    line.world.cut_paths = set(BETWEEN)
    line.run(10 * MINUTE)
    kept = line.member(B).node.state.clocks[A].offset
    assert kept is not None
    low_ms, high_ms = kept.at(line.member(B).node.core.mono_ms)
    assert 100 <= (high_ms - kept.high_ms) <= 121
    assert low_ms < 0 < high_ms
    line.world.cut_paths = set()
    line.run(10_000)
    assert not line.shown(B, "clock")
