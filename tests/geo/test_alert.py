"""Alert: raised at once, held, cleared, counted; and a recorded hour of real traffic through it."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geo import geodesy
from keepclear.geo.alert import (
    URGENT_MS,
    Alerts,
    Episode,
    Found,
    Hysteresis,
    Life,
    Limits,
    findings_of,
    flicker,
    graded,
)
from keepclear.geo.conflict import FIVE_NM_M, THOUSAND_FT_M, conflicts
from keepclear.geo.track import Tracks, advance
from keepclear.host import recorded

LONG_MS = 110_000
SOON_MS = 50_000
RULE = Hysteresis(hold_ms=15_000, confirm_ms=20_000)


def lived(pictures: list[Found | None], rule: Hysteresis = RULE, every_ms: int = 5_000) -> list[tuple[int | None, ...]]:
    """(raised_ms, found_ms) of one alert after each picture, () while there is none."""
    alerts, seen = Alerts[str](), []
    for number, found in enumerate(pictures):
        alerts, _ = alerts.step(number * every_ms, {} if found is None else {"pair": found}, rule)
        life = alerts.lives.get("pair")
        seen.append(() if life is None else (life.raised_ms, life.found_ms))
    return seen


def test_it_is_raised_by_the_first_picture_and_cleared_only_after_a_while():
    seen = lived([Found(LONG_MS), None, None, None], Hysteresis(hold_ms=15_000))
    assert seen == [(0, 0), (0, 0), (0, 0), ()]


def test_a_debounce_touches_only_what_is_farther_off_than_a_minute():
    far = Found(LONG_MS)
    assert lived([far, far, far, far, far]) == [
        (None, 0),
        (None, 5_000),
        (None, 10_000),
        (None, 15_000),
        (20_000, 20_000),
    ]
    assert lived([far, Found(SOON_MS)]) == [(None, 0), (5_000, 5_000)]
    assert lived([Found(URGENT_MS)]) == [(0, 0)]
    assert lived([far, None, far]) == [(None, 0), (), (None, 10_000)], "what is not raised is not held"
    assert lived([far, Found(LONG_MS, raises=False)]) == [(None, 0), ()]


def test_wider_limits_hold_what_stands_and_raise_nothing():
    near = Found(SOON_MS, raises=False)
    assert lived([near, near]) == [(), ()]
    assert lived([Found(SOON_MS), near, near, near, near]) == [
        (0, 0),
        (0, 5_000),
        (0, 10_000),
        (0, 15_000),
        (0, 20_000),
    ]


@given(
    st.lists(st.none() | st.builds(Found, st.integers(0, 120_000), st.booleans()), max_size=30),
    st.builds(Hysteresis, st.integers(0, 60_000), st.just(1.1), st.just(0), st.integers(0, 60_000)),
)
def test_nothing_inside_a_minute_is_ever_kept_back(pictures: list[Found | None], rule: Hysteresis):
    for found, seen in zip(pictures, lived(pictures, rule), strict=True):
        if found is not None and found.raises and found.to_loss_ms <= URGENT_MS:
            assert seen
            assert seen[0] is not None


def test_an_episode_is_valid_if_somebody_had_to_act():
    def episode(*to_loss_ms: int) -> Episode[str]:
        alerts, _ = Alerts[str]().step(0, {"pair": Found(to_loss_ms[0])})
        for number, each in enumerate(to_loss_ms[1:], 1):
            alerts, _ = alerts.step(10_000 * number, {"pair": Found(each)})
        alerts, [ended] = alerts.step(10_000 * len(to_loss_ms) + 60_000, {})
        assert not alerts.lives
        return ended

    assert (episode(90_000, 80_000, 0).lost, episode(90_000, 80_000, 0).valid) == (True, True)
    assert (episode(90_000, 60_000).lost, episode(90_000, 60_000).valid) == (False, True)
    assert not episode(90_000, 80_000).valid, "it went away of itself"
    assert not episode(SOON_MS).valid, "one picture, and no later one agreed with it"


def test_flicker_counts_episodes_a_pair_and_what_stands_at_the_end_is_one():
    alerts, episodes = Alerts[str](), ()
    for number in range(5):
        here = {"a": Found(0)} if number in (0, 4) else {}
        alerts, ended = alerts.step(number * 10_000, here | {"b": Found(0)})
        episodes += ended
    assert [(e.key, e.raised_ms, e.cleared_ms) for e in episodes] == [("a", 0, 20_000)]
    episodes += alerts.end()
    assert [(e.key, e.raised_ms, e.cleared_ms) for e in episodes[1:]] == [("b", 0, None), ("a", 40_000, None)]
    assert flicker(episodes) == 1.5
    assert math.isnan(flicker(()))


def test_the_graded_conflicts_are_those_of_the_limits_and_the_rest_of_the_wider_ones():
    random = np.random.default_rng(5)
    n = 300
    tracks = Tracks.of(
        lat_deg=random.uniform(46, 47, n), lon_deg=random.uniform(8, 9, n), alt_m=random.uniform(9000, 11000, n),
        ground_speed_mps=random.uniform(150, 260, n), track_deg=random.uniform(0, 360, n),
    )  # fmt: skip
    limits, rule = Limits(5_000.0, 200.0, 60_000), Hysteresis(wider=1.2, longer_ms=20_000)
    found, held = graded(tracks, 0, limits, rule)
    plain = conflicts(tracks, 5_000.0, 200.0, 60_000, 0)
    wide = conflicts(tracks, 6_000.0, 240.0, 80_000, 0)
    for name in plain.__slots__:
        assert np.array_equal(getattr(found, name), getattr(plain, name), equal_nan=True), name
    pairs = set(zip(found.i.tolist(), found.j.tolist(), strict=True))
    more = set(zip(held.i.tolist(), held.j.tolist(), strict=True))
    assert pairs
    assert more
    assert not pairs & more
    assert pairs | more == set(zip(wide.i.tolist(), wide.j.tolist(), strict=True))
    names = [f"F{number:03}" for number in range(n)][::-1]
    findings = findings_of(names, 0, found, held)
    assert len(findings) == len(pairs) + len(more)
    assert sum(each.raises for each in findings.values()) == len(pairs)
    assert all(one < other for one, other in findings)


def pictures() -> list[tuple[int, list[str], Tracks]]:
    """The recorded day's pictures from 08:00 to 10:00 UTC, by flight."""
    if not recorded.WHEEL.exists():
        missing = "the recorded day is missing; fetch it with: python -m keepclear.host.recorded fetch"
        warnings.warn(missing, stacklevel=1)
        pytest.skip(missing)
    rows = recorded.positions()
    first_ms = rows[0].at_ms + 3 * 3_600_000
    found = []
    for at_ms, batch in recorded.batches(p for p in rows if first_ms <= p.at_ms < first_ms + 2 * 3_600_000):
        tracks = Tracks.from_wire(
            lat_e7=[p.lat_e7 for p in batch], lon_e7=[p.lon_e7 for p in batch], alt_cm=[p.alt_cm for p in batch],
            alt_ref=[3] * len(batch), alt_err_cm=[0] * len(batch), pos_err_cm=[0] * len(batch),
            ground_speed_cmps=[p.speed_cmps for p in batch], track_e7=[(p.track_cdeg or 0) * 100_000 for p in batch],
            vertical_rate_cmps=[p.climb_cmps for p in batch], at_ms=[p.at_ms for p in batch],
        )  # fmt: skip
        found.append((at_ms, [f"{p.icao24} {p.flight}" for p in batch], tracks))
    return found


def is_flagged(one: str, other: str, names: list[str], tracks: Tracks, ahead_s: int, limits: Limits) -> bool:
    """Whether two tracks lose separation in any whole second ahead, by the geodesic between them; brute force."""
    pair = tracks.take([names.index(one), names.index(other)])
    for second in range(ahead_s + 1):
        then = advance(pair, int(pair.at_ms[0]) + 1_000 * second)
        apart_m = geodesy.distance_m(then.lat_deg[0], then.lon_deg[0], then.lat_deg[1], then.lon_deg[1])
        if apart_m < limits.horizontal_m and abs(then.alt_m[0] - then.alt_m[1]) < limits.vertical_m:
            return True
    return False


def test_two_recorded_hours_are_warned_of_in_time_and_do_not_flicker():
    limits = Limits(FIVE_NM_M, THOUSAND_FT_M - 3.048, 120_000)  # 10 ft of rounding are no loss
    alerts, episodes = Alerts[tuple[str, str]](), ()
    before: dict[int, tuple[list[str], Tracks]] = {}
    standing: dict[int, dict[tuple[str, str], Life]] = {}
    lost_before: set[tuple[str, str]] = set()
    losses = flagged = 0
    for at_ms, names, tracks in pictures():
        findings = findings_of(names, at_ms, *graded(tracks, at_ms, limits))
        alerts, ended = alerts.step(at_ms, findings)
        episodes += ended
        before[at_ms], standing[at_ms] = (names, tracks), alerts.standing
        lost = {key for key, found in findings.items() if found.raises and found.to_loss_ms == 0}
        for key in lost - lost_before:
            losses += 1
            then = before.get(at_ms - 60_000)
            if then and {*key} <= {*then[0]} and is_flagged(*key, *then, 60, limits):
                flagged += 1
                assert key in standing[at_ms - 60_000], f"{key} at {at_ms}"
                assert standing[at_ms][key].raised_ms <= at_ms - 60_000
        lost_before = lost
    episodes += alerts.end()
    lost_pairs, valid = {e.key for e in episodes if e.lost}, sum(e.valid for e in episodes)
    assert (losses, flagged, len(lost_pairs)) == (16, 5, 16)
    assert (len(episodes), len({e.key for e in episodes}), valid) == (69, 67, 40)
    assert flicker(episodes) <= 1.2
