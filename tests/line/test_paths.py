"""A line of two paths: open only with both, degraded with one, suspect and dead by the better of them."""

from itertools import product

import pytest

from keepclear.line import liveness, paths
from keepclear.line.liveness import LineState, Liveness
from keepclear.line.paths import ALL, BOX, UDP, Path

SUSPECT_MS, DEAD_MS = 2_000, 4_000
OPEN, DEGRADED, SUSPECT, DEAD = LineState.OPEN, LineState.DEGRADED, LineState.SUSPECT, LineState.DEAD
SILENT_MS = {OPEN: 1_999, SUSPECT: 3_999, DEAD: 4_000}


def at(path: Path, now_ms: int, base_ms: int = 0) -> None:
    """Our own time comes back by a path."""
    path.live.echo_ms, path.live.base_ms = now_ms - base_ms, base_ms


def judge(live: Liveness, by: dict[str, Path], now_ms: int) -> bool:
    return paths.judge(live, by, now_ms, SUSPECT_MS, DEAD_MS)


@pytest.mark.parametrize(
    ("udp", "box", "line"),
    [
        (OPEN, OPEN, OPEN), (OPEN, SUSPECT, OPEN), (OPEN, DEAD, DEGRADED),
        (SUSPECT, OPEN, OPEN), (SUSPECT, SUSPECT, SUSPECT), (SUSPECT, DEAD, SUSPECT),
        (DEAD, OPEN, DEGRADED), (DEAD, SUSPECT, SUSPECT), (DEAD, DEAD, DEAD),
    ],
)  # fmt: skip
def test_what_two_paths_make_of_a_line(udp: LineState, box: LineState, line: LineState) -> None:
    live, by = Liveness(), paths.begin((UDP, BOX), 0)
    at(by[UDP], 10_000 - SILENT_MS[udp])
    at(by[BOX], 10_000 - SILENT_MS[box])
    assert judge(live, by, 10_000)
    assert (by[UDP].live.state, by[BOX].live.state, live.state, live.told) == (udp, box, line, line)
    assert paths.lost(by) == [name for name, state in ((UDP, udp), (BOX, box)) if state is DEAD]
    assert not judge(live, by, 10_000), "told once"


def test_each_path_is_judged_by_its_own_round_trip() -> None:
    live, by = Liveness(), paths.begin((UDP, BOX), 0)
    at(by[UDP], 10_000, base_ms=20)
    at(by[BOX], 10_000, base_ms=1_500)
    judge(live, by, 13_999)
    assert (by[UDP].live.state, by[BOX].live.state) == (SUSPECT, SUSPECT)
    judge(live, by, 14_000)
    assert (by[UDP].live.state, by[BOX].live.state) == (DEAD, DEAD)
    at(by[BOX], 14_500, base_ms=1_500)
    judge(live, by, 16_000)
    assert (by[BOX].live.state, live.state) == (OPEN, DEGRADED)


def test_it_is_told_again_when_another_path_is_lost_and_not_for_anything_else() -> None:
    live, by = Liveness(), paths.begin((UDP, BOX), 0)
    for path in by.values():
        at(path, 0)
    told = []
    for now_ms in range(0, 60_000, 250):
        if now_ms < 5_000 or now_ms > 20_000:
            at(by[UDP], now_ms)
        if now_ms < 21_000 or now_ms > 40_000:
            at(by[BOX], now_ms)
        if judge(live, by, now_ms):
            told.append((now_ms, live.told, live.lost))
    assert told == [
        (0, OPEN, []), (8_750, DEGRADED, [UDP]), (20_250, OPEN, []), (24_750, DEGRADED, [BOX]), (40_250, OPEN, []),
    ]  # fmt: skip


def test_a_start_waits_for_each_path_as_long_as_it_may_take_and_says_no_word_before() -> None:
    live, by = Liveness(since_ms=1_000), paths.begin((UDP, BOX), 1_000)
    at(by[UDP], 1_100)
    assert not judge(live, by, 1_100)
    assert live.state is DEGRADED, "who asks is told the truth"
    at(by[BOX], 1_600)
    assert judge(live, by, 1_600)
    assert live.told is OPEN

    live, by = Liveness(since_ms=1_000), paths.begin((UDP, BOX), 1_000)
    for now_ms in range(1_000, 5_000, 250):
        at(by[UDP], now_ms)
        assert not judge(live, by, now_ms)
    at(by[UDP], 5_000)
    assert judge(live, by, 5_000)
    assert (live.told, live.lost) == (DEGRADED, [BOX])

    live, by = Liveness(since_ms=1_000), paths.begin((UDP, BOX), 1_000)
    assert [now_ms for now_ms in range(1_000, 10_000, 250) if judge(live, by, now_ms)] == [5_000]
    assert live.told is DEAD


def test_the_horn_is_owed_only_when_no_path_lives_and_anew_when_one_has_lived_between() -> None:
    live, by = Liveness(), paths.begin((UDP, BOX), 0)
    owed = []
    for now_ms in range(0, 60_000, 250):
        if now_ms < 1_000 or 20_000 < now_ms < 21_000:
            at(by[UDP], now_ms)
        if now_ms < 10_000:
            at(by[BOX], now_ms)
        if judge(live, by, now_ms) and liveness.owes_horn(live):
            owed.append(now_ms)
            live.horned = True
    assert owed == [13_750, 24_750]


def test_one_path_is_its_line_and_every_frame_its_proof() -> None:
    for name in (UDP, BOX):
        by = paths.begin((name,), 0)
        live = Liveness(echo_ms=10_000, base_ms=0)
        assert judge(live, by, 10_000)
        assert live.told is OPEN
        assert paths.name_of(by) == name
    assert paths.name_of({}) == UDP
    assert paths.name_of(paths.begin((UDP, BOX), 0)) == ALL


def test_a_new_session_takes_over_how_long_each_path_has_been_silent() -> None:
    by = paths.begin((UDP, BOX), 500)
    at(by[UDP], 9_000, base_ms=30)
    by[UDP].live.heard_ms, by[UDP].sent_ms = 77, 8_900
    new = paths.renew(by)
    assert (new[UDP].live.echo_ms, new[UDP].live.base_ms, new[UDP].sent_ms) == (8_970, 30, 8_900)
    assert new[UDP].live.heard_ms is None, "the peer's clock may be another"
    assert (new[BOX].live.echo_ms, new[BOX].live.since_ms) == (None, 500)


def test_no_state_of_two_paths_is_open_while_one_is_dead_or_dead_while_one_lives() -> None:
    for silent in product(range(0, 6_000, 499), repeat=2):
        live, by = Liveness(), paths.begin((UDP, BOX), 0)
        for path, ms in zip(by.values(), silent, strict=True):
            at(path, 10_000 - ms)
        judge(live, by, 10_000)
        assert (live.state is OPEN) == (min(silent) < SUSPECT_MS and max(silent) < DEAD_MS), silent
        assert (live.state is DEAD) == (min(silent) >= DEAD_MS), silent
