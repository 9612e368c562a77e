"""Hygiene: what cannot be so is flagged, what flies is not; on made-up tracks and on recordings with known faults."""

import gzip
import json
import warnings
import zipfile
from collections.abc import Sequence

import numpy as np
import pytest

from keepclear.geo import geodesy
from keepclear.geo.altitude import AltRef
from keepclear.geo.hygiene import WORDS, Doubt, among, between, histories, of_itself, words
from keepclear.geo.track import Tracks, advance
from keepclear.host import recorded

AIRLINER = {"alt_m": 10_000.0, "ground_speed_mps": 230.0, "track_deg": 60.0, "pos_err_m": 185.0, "alt_err_m": 38.0}


def flown(seconds: Sequence[float], **more: float) -> Tracks:
    """One aircraft that flies on as it does, reported at these seconds."""
    start = Tracks.of(lat_deg=47.0, lon_deg=8.0, **(AIRLINER | more))
    return joined([advance(start, round(1000 * second)) for second in seconds])


def joined(many: Sequence[Tracks]) -> Tracks:
    names = Tracks.__dataclass_fields__
    return Tracks(**{name: np.concatenate([getattr(each, name) for each in many]) for name in names})


def changed(tracks: Tracks, row: int, **to: float) -> Tracks:
    """The tracks with some values of one row set."""
    every = tracks.take(np.arange(len(tracks)))
    for name, value in to.items():
        getattr(every, name)[row] = value
    return every


def found(tracks: Tracks) -> list[Doubt]:
    return [Doubt(each) for each in histories(tracks, ["one"] * len(tracks)).tolist()]


def test_what_flies_is_not_doubted():
    random = np.random.default_rng(11)
    for seed in range(20):
        course, speed, climb, lat, lon, alt = random.uniform(0, 360), random.uniform(60, 330), 0.0, 47.0, 8.0, 3_000.0
        rows, at_ms, rate = [], 0, 0.0
        for _ in range(200):
            step_s = float(random.choice([1, 1, 4, 12]))
            lat, lon, _ = (float(each) for each in geodesy.direct(lat, lon, course, speed * step_s))
            alt += climb * step_s
            at_ms += int(1000 * step_s)
            rate = float(np.clip(rate + random.uniform(-1, 1), -3, 3))
            course = (course + rate * step_s) % 360
            speed = float(np.clip(speed + random.uniform(-2, 2) * step_s, 60, 340))
            climb = float(np.clip(climb + random.uniform(-3, 3), -25, 25))
            off = random.uniform(-50, 50, 2)
            noisy_lat, noisy_lon = geodesy.from_plane(lat, lon, *off)
            told = {"ground_speed_mps": speed, "track_deg": course, "vertical_rate_mps": climb, "at_ms": at_ms}
            error = {"pos_err_m": 185.0, "alt_err_m": 38.0}
            rows.append(Tracks.of(lat_deg=noisy_lat, lon_deg=noisy_lon, alt_m=alt, **told, **error))
        assert not any(found(joined(rows))), seed


@pytest.mark.parametrize(
    ("doubt", "row", "to"),
    [
        (Doubt.TIME_BACK, 3, {"at_ms": 1_000}),
        (Doubt.ACCELERATION, 3, {"ground_speed_mps": 30.0}),
        (Doubt.CLIMB, 3, {"alt_m": 15_000.0}),
        (Doubt.HEIGHT, 3, {"alt_m": 10_200.0}),
        (Doubt.SLOW, 3, {"ground_speed_mps": 26.0}),
        (Doubt.SPEED, 3, {"lat_deg": 47.1}),
        (Doubt.GHOST, 3, {"lat_deg": 47.1}),
    ],
)
def test_each_fault_is_flagged_and_only_where_it_is(doubt: Doubt, row: int, to: dict[str, float]):
    before, after = flown(range(8)), changed(flown(range(8)), row, **to)
    assert not any(found(before))
    doubts = found(after)
    assert doubts[row] & doubt
    assert not any(doubts[:row])
    assert not any(doubts[row + 2 :]), "the report after the one that was wrong jumps back, and no later one"


def test_a_place_that_is_repeated_is_frozen_after_a_while_and_as_old_as_its_first_report():
    stuck = flown([0, 1, 2, 3])
    rest = [stuck.take([3]) for _ in range(14)]
    for number, each in enumerate(rest):
        each.at_ms[0] = 4_000 + 1_000 * number
    doubts = found(joined([stuck, *rest, flown([18, 19])]))
    assert [bool(each & Doubt.FROZEN) for each in doubts] == [False] * 13 + [True] * 5 + [False] * 2
    assert not any(each & ~Doubt.FROZEN for each in doubts), "15 s of way in one step are no impossible speed"
    parked = changed(joined([stuck.take([0])] * 2), 1, at_ms=60_000)
    assert not any(found(Tracks(**{**fields(parked), "alt_m": np.zeros(2), "ground_speed_mps": np.zeros(2)})))


def fields(tracks: Tracks) -> dict[str, np.ndarray]:
    return {name: getattr(tracks, name) for name in Tracks.__dataclass_fields__}


def test_a_velocity_that_contradicts_the_way_is_flagged_in_whatever_direction():
    says_east = Tracks(**{**fields(flown(range(0, 60, 2))), "track_deg": np.full(30, 150.0)})
    doubts = found(says_east)
    assert all(each == Doubt.VELOCITY for each in doubts[5:])
    assert not any(doubts[:5]), "there is nothing old enough to hold it against"


def test_what_is_not_known_is_not_doubted():
    unknown = Tracks.of(
        lat_deg=[47.0, 47.0, np.nan, 47.001], lon_deg=8.0, alt_m=np.nan, ground_speed_mps=np.nan, track_deg=np.nan,
        vertical_rate_mps=np.nan, at_ms=[0, 60_000, 61_000, 62_000],
    )  # fmt: skip
    assert found(unknown) == [0, 0, 0, 0]
    mixed = Tracks.of(lat_deg=47, lon_deg=8, alt_m=[1_000, 9_000], alt_ref=[AltRef.AMSL, AltRef.STD], at_ms=[0, 1_000])
    assert found(mixed) == [0, 0]
    assert histories(Tracks.of(lat_deg=[], lon_deg=[]), []).tolist() == []


def test_a_report_bears_its_own_doubts():
    tracks = Tracks.of(
        lat_deg=47, lon_deg=8, alt_m=[10_000, 10_000, 3_000], ground_speed_mps=[26, 230, 26], at_ms=[0, 6_000, 0]
    )
    assert of_itself(tracks).tolist() == [Doubt.SLOW, 0, 0]
    assert of_itself(tracks, 0).tolist() == [Doubt.SLOW, Doubt.TIME_AHEAD, 0]
    assert of_itself(tracks, on_ground=[False, True, True]).tolist() == [Doubt.SLOW, Doubt.GROUND, 0]
    assert of_itself(tracks, 1_000).tolist() == [Doubt.SLOW, 0, 0]


def test_one_name_from_two_sources_is_a_duplicate_and_far_apart_it_is_in_two_places():
    lat = [47.0, 47.002, 48.0, 49.0, 49.0]
    tracks = Tracks.of(lat_deg=lat, lon_deg=8, alt_m=9_000, pos_err_m=185)
    doubts = among(tracks, ["a", "a", "b", "c", "c"], ["adsb", "radar", "adsb", "adsb", "adsb"])
    assert doubts.tolist() == [Doubt.DUPLICATE, Doubt.DUPLICATE, 0, 0, 0], "one source may repeat itself"
    far = among(tracks, ["a", "b", "a", "c", "a"], ["adsb", "radar", "adsb", "adsb", "mlat"])
    assert far.tolist() == [Doubt.TWO_PLACES, 0, Doubt.TWO_PLACES, 0, Doubt.TWO_PLACES]
    seconds_apart = Tracks.of(lat_deg=[47.0, 47.02], lon_deg=8, pos_err_m=185, at_ms=[0, 10_000])
    assert among(seconds_apart, ["a", "a"], ["adsb", "radar"]).tolist() == [Doubt.DUPLICATE] * 2


def test_several_aircraft_in_one_place_are_flagged_a_formation_is_not():
    spoofed = Tracks.of(lat_deg=[33.8209, 33.8209, 33.8210], lon_deg=35.488, alt_m=[3_000, 9_000, 11_000])
    assert among(spoofed, ["a", "b", "c"], ["adsb"] * 3).tolist() == [Doubt.ONE_POINT] * 3
    assert among(spoofed, ["a", "a", "c"], ["adsb"] * 3).tolist()[2] == 0
    formation = Tracks.of(lat_deg=[33.8209, 33.8209, 33.8210], lon_deg=35.488, alt_m=[9_000, 9_020, 9_050])
    assert not among(formation, ["a", "b", "c"], ["adsb"] * 3).any()
    jumped = [int(Doubt.SPEED), int(Doubt.SPEED), 0]
    assert among(formation, ["a", "b", "c"], ["adsb"] * 3, jumped).tolist() == [Doubt.ONE_POINT, Doubt.ONE_POINT, 0]
    for lon in (-180.0, 180.0, 179.9999, 0.0):
        anywhere = Tracks.of(lat_deg=[-20.0, -20.0001, -20.0], lon_deg=lon, alt_m=[3_000, 9_000, 11_000])
        assert among(anywhere, ["a", "b", "c"], ["adsb"] * 3).all()


def test_two_that_circle_about_one_point_are_flagged_one_alone_is_not():
    def circle(turns: float, radius_m: float, at: float = 47.0) -> Tracks:
        angle = np.linspace(0, turns * 360, int(turns * 40))
        lat, lon, _ = geodesy.direct(at, 8.0, angle, radius_m)
        return Tracks.of(
            lat_deg=lat, lon_deg=lon, alt_m=3_000, ground_speed_mps=100, track_deg=(angle + 90) % 360,
            at_ms=(1000 * np.arange(len(angle)) * 2 * np.pi * radius_m / 40 / 100).astype(int), pos_err_m=185,
        )  # fmt: skip

    def circling(*many: Tracks) -> list[bool]:
        names = np.repeat([f"{number}" for number in range(len(many))], [len(each) for each in many])
        doubts = histories(joined(many), names) & int(Doubt.CIRCLE) > 0
        return [bool(doubts[names == f"{number}"].all()) for number in range(len(many))]

    assert circling(circle(3, 4_000), circle(2, 4_000)) == [True, True]
    assert circling(circle(3, 4_000)) == [False]
    assert circling(circle(3, 4_000), circle(3, 4_000, at=47.1)) == [False, False]
    assert circling(circle(3, 4_000), circle(1, 4_000)) == [False, False]
    assert circling(circle(3, 4_000), circle(3, 6_000)) == [False, False]


def test_every_doubt_has_words():
    assert set(WORDS) == set(Doubt)
    assert words(Doubt.SPEED | Doubt.FROZEN) == ("impossible speed", "position frozen")
    assert words(0) == ()


def test_pairs_are_judged_each_alone():
    one, other = flown([0, 0, 10]), flown([1, 1, 5])
    assert between(one, changed(other, 1, lat_deg=48.0)).tolist() == [0, Doubt.SPEED, Doubt.TIME_BACK]


# What the recordings hold, by the package's own names for them, and the doubts found in each.
SAMPLES = {
    "noisy/noisy_takeoff": {Doubt.CLIMB: 4, Doubt.HEIGHT: 109},
    "noisy/noisy_landing": {Doubt.CLIMB: 6, Doubt.HEIGHT: 108, Doubt.FROZEN: 1},
    "noisy/noisy_ground": {Doubt.CLIMB: 3, Doubt.HEIGHT: 16},
    "noisy/noisy_time_issue": {Doubt.CLIMB: 38, Doubt.HEIGHT: 43, Doubt.FROZEN: 1_009},
    "noisy/noisy_spoofing": {
        Doubt.SPEED: 2, Doubt.ACCELERATION: 2, Doubt.VELOCITY: 4, Doubt.HEIGHT: 8, Doubt.SLOW: 2_029,
        Doubt.FROZEN: 2_627,
    },
    "military/inflight_refuelling": {Doubt.CLIMB: 34, Doubt.VELOCITY: 3_968, Doubt.FROZEN: 300},
    "military/aircraft_carrier": {Doubt.HEIGHT: 6, Doubt.FROZEN: 2_590},
}  # fmt: skip


def sample(name: str) -> Tracks:
    """A recording of one aircraft from the cached package; positions and heights with the usual errors."""
    if not recorded.WHEEL.exists():
        missing = "the recorded samples are missing; fetch them with: python -m keepclear.host.recorded fetch"
        warnings.warn(missing, stacklevel=1)
        pytest.skip(missing)
    with zipfile.ZipFile(recorded.WHEEL) as wheel:
        data = json.loads(gzip.decompress(wheel.read(f"traffic/data/samples/{name}.json.gz")))
    if isinstance(data, list):
        data = {key: {str(number): row.get(key) for number, row in enumerate(data)} for key in data[0]}

    def column(key: str, unit: float) -> np.ndarray:
        values = data.get(key, dict.fromkeys(data["timestamp"]))
        return np.array([np.nan if each is None else each * unit for each in values.values()])

    return Tracks.of(
        lat_deg=column("latitude", 1), lon_deg=column("longitude", 1), alt_m=column("altitude", 0.3048),
        ground_speed_mps=column("groundspeed", 1852 / 3600), track_deg=column("track", 1),
        vertical_rate_mps=column("vertical_rate", 0.00508), at_ms=list(data["timestamp"].values()), pos_err_m=185.2,
        alt_err_m=38.1,
    )  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_recorded_faults_are_found(name: str):
    doubts = histories(sample(name), ["one"] * len(sample(name)))
    counts = {doubt: int(np.count_nonzero(doubts & int(doubt))) for doubt in Doubt}
    assert {doubt: count for doubt, count in counts.items() if count} == SAMPLES[name]


def test_of_the_spoofed_flight_nearly_all_reports_in_the_spoofed_hour_are_doubted_and_few_before():
    """Over the Carpathians its place leaps to and fro near Lviv, at 50 kt and flight level 380, for 33 minutes."""
    tracks = sample("noisy/noisy_spoofing")
    doubts = histories(tracks, ["one"] * len(tracks))
    spoofed = (tracks.lat_deg > 49.6) & (tracks.lat_deg < 49.8)
    assert np.count_nonzero(spoofed) > 1_500
    assert np.mean(doubts[spoofed] > 0) > 0.99
    leaps = np.nonzero(doubts & int(Doubt.SPEED))[0]
    assert [spoofed[leaps[0]], spoofed[leaps[-1]]] == [True, False], "the last one leaps back to where it is"
    sound = (tracks.lat_deg < 46) & (doubts & int(Doubt.FROZEN) == 0)
    assert np.mean(doubts[sound] > 0) < 0.005
