"""The scorecard on a small cut of the recorded day, and on two flights reckoned by hand."""

import warnings
from functools import cache

import pytest
from bench.score_alerts import Setting, episodes, foreseen, look, run, score
from bench.score_losses import Loss, Separation, losses, predicted
from bench.score_pictures import Picture, Recording, pictures, recorded, recording_of

from keepclear.geo.alert import USUAL
from keepclear.host.recorded import NotFetched, Row

KEPT = Separation(5, 1000)
TWO_MINUTES = Setting(120_000, USUAL)
HOUR_MS = 3_600_000
CUT_MS = (1_533_099_600_000 + 7 * HOUR_MS, 1_533_099_600_000 + 7 * HOUR_MS + HOUR_MS // 2)


def head_on(offset_ft: float, seconds: int = 400, beside_deg: float = 0.0) -> Recording:
    """Two along the equator, half a degree apart at first, 0.05 degrees a minute each; they pass after 5 minutes."""
    knots = 0.05 * 60 * 60.0 * 1.00188  # a minute of arc at the equator is a little longer than a nautical mile

    def report(second: int, icao24: str, lon: float, track: float, altitude: float) -> Row:
        lat = beside_deg if track == 90 else 0.0
        return Row(second * 1_000, icao24, icao24.upper(), lat, lon, altitude, knots, track, 0.0)

    return recording_of(
        [
            row
            for second in range(0, seconds, 10)
            for row in (
                report(second, "a", second * 0.05 / 60, 90, 35_000),
                report(second, "b", 0.5 - second * 0.05 / 60, 270, 35_000 + offset_ft),
            )
        ],
        held_ms=0,
    )


def test_two_that_meet_are_warned_of_two_minutes_before() -> None:
    seen = list(pictures(head_on(0)))
    lost = losses(seen, KEPT)
    # 55 660 m apart at first, closing at 185.53 m/s: 9 260 m after 250.1 s, and again after 349.9 s.
    assert lost == [Loss((0, 1), 260_000, 340_000, 0)]
    found = episodes(look(seen, KEPT, USUAL.wider), TWO_MINUTES)
    assert [(e.key, e.raised_ms, e.lost) for e in found] == [((0, 1), 140_000, True)]
    by_time = {picture.now_ms: picture for picture in seen}
    worth = score(found, lost, foreseen(lost, by_time, KEPT, 120_000), 1.0)
    assert worth.lead_ms == [120_000]
    assert (worth.foreseen, worth.late_foreseen, worth.missed, worth.nuisance, worth.flicker) == (1, [], 0, 0, 1.0)


@pytest.mark.parametrize(("offset_ft", "beside_deg"), [(1_000, 0.0), (-1_000, 0.0), (0, 0.0838)])
def test_two_that_keep_apart_are_no_loss_and_no_alert(offset_ft: float, beside_deg: float) -> None:
    seen = list(pictures(head_on(offset_ft, beside_deg=beside_deg)))
    assert losses(seen, KEPT) == []
    assert episodes(look(seen, KEPT, USUAL.wider), TWO_MINUTES) == []
    assert not any(predicted(picture, (0, 1), KEPT, 120_000) for picture in seen)


def test_what_nobody_warned_of_is_missed_and_what_came_into_sight_is_told_apart() -> None:
    lost = [Loss((0, 1), 100_000, 120_000, 0), Loss((2, 3), 100_000, 120_000, 70_000)]
    worth = score([], lost, frozenset(lost[:1]), 1.0)
    assert (worth.lead_ms, worth.missed, worth.surprises, worth.surprises_warned) == ([None], 1, 1, 0)
    assert worth.late_foreseen == lost[:1]


def test_a_picture_has_only_what_was_heard_by_then() -> None:
    heard = [Row(1_000 * s, "a", "A", 0.0, lon, 100.0, 60.0, 90.0, 0.0) for s, lon in ((0, 0.0), (25, 0.5), (700, 9.0))]
    seen = list(pictures(recording_of(heard, held_ms=60_000)))
    at = {p.now_ms // 1_000: (p.tracks.at_ms.tolist(), p.tracks.lon_deg.tolist(), p.true[0, 1]) for p in seen}
    assert at[20] == ([0], [0.0], pytest.approx(0.4))  # heard at 0, truly between the two
    assert at[30][:2] == ([25_000], [0.5])
    assert at[30][2] != at[30][2]  # the next report is too far to tell where it was
    assert [s for s in at if s > 80] == [700, 710, 720, 730, 740, 750, 760]  # 675 s of silence: another flight
    assert [p.flight.tolist() for p in seen if p.now_ms >= 700_000] == [[1]] * 7


@cache
def cut() -> tuple[Recording, list[Picture]]:
    recording = recorded("switzerland").between(*CUT_MS)
    return recording, list(pictures(recording))


@pytest.fixture
def half_hour() -> tuple[Recording, list[Picture]]:
    try:
        return cut()
    except NotFetched:
        missing = "the recorded day is missing; fetch it with: make data"
        warnings.warn(missing, stacklevel=1)
        pytest.skip(missing)


def test_half_an_hour_of_the_day(half_hour: tuple[Recording, list[Picture]]) -> None:
    recording, seen = half_hour
    lost = losses(seen, KEPT)
    by_time = {picture.now_ms: picture for picture in seen}
    flagged = foreseen(lost, by_time, KEPT, 120_000)
    found = episodes(look(seen, KEPT, USUAL.wider), TWO_MINUTES)
    worth = score(found, lost, flagged, recording.flight_hours)
    assert len(lost) >= 3
    assert len(flagged) >= 2
    assert worth.late_foreseen == []  # each that brute force flags a minute before is warned of a minute before
    assert worth.missed == 0
    assert worth.surprises_warned == worth.surprises
    assert worth.flicker <= 1.2
    assert worth.with_loss + worth.valid + worth.nuisance == worth.alerts
    # The engine as it runs, picture by picture, gives the alerts that were scored.
    assert list(run(seen, recording.names, KEPT, TWO_MINUTES).episodes) == found
