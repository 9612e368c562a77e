"""Volumes from GeoJSON: what is said is kept, what cannot be read names its feature and field."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepclear.geo.altitude import AltRef
from keepclear.geo.volume import Circle, Corridor, Polygon, Volume
from keepclear.interop.geojson import NamedVolumes, volumes_of
from keepclear.interop.lines import Refused

RING = [[9.0, 47.0], [9.2, 47.0], [9.2, 47.1], [9.0, 47.0]]
OTHER = [[9.3, 47.0], [9.4, 47.0], [9.4, 47.1], [9.3, 47.0]]
SAID = {
    "id": "D-7", "start": "2018-09-17T18:39:00Z", "end": "2018-09-17T22:00:00+02:00", "lower": 1000, "upper": 100,
    "unit": "ft", "lower_ref": "AGL", "upper_ref": "AMSL",
}  # fmt: skip


def feature(geometry: Any = None, **changed: Any) -> dict[str, Any]:
    said = {key: value for key, value in (SAID | changed).items() if value is not ...}
    return {"type": "Feature", "geometry": geometry or {"type": "Polygon", "coordinates": [RING]}, "properties": said}


def read(*features: Any) -> NamedVolumes:
    return volumes_of(json.dumps({"type": "FeatureCollection", "features": features}).encode())


def refused(*features: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        read(*features)
    return caught.value


def test_every_property_is_read_with_its_unit_and_reference() -> None:
    found = read(feature(upper=2000))
    assert found.volumes == (
        Volume(
            Polygon(tuple((x, y) for x, y in RING)), 304.8, 609.6, AltRef.AGL, AltRef.AMSL, 1537209540000, 1537214400000
        ),
    )
    assert (found.names, found.owner, found.faults) == (("D-7",), (0,), ())


@pytest.mark.parametrize(("unit", "lower", "upper"), [("ft", 30.48, 60.96), ("m", 100, 200), ("FL", 3048, 6096)])
def test_units(unit: str, lower: float, upper: float) -> None:
    (one,) = read(feature(unit=unit, lower=100, upper=200)).volumes
    assert (one.lower_m, one.upper_m) == (pytest.approx(lower, abs=1e-9), pytest.approx(upper, abs=1e-9))


@pytest.mark.parametrize(("unit", "ref"), [("ft", AltRef.AMSL), ("m", AltRef.AMSL), ("FL", AltRef.STD)])
def test_a_reference_that_is_not_said_is_the_units_usual_one(unit: str, ref: AltRef) -> None:
    (one,) = read(feature(unit=unit, lower=100, upper=200, lower_ref=..., upper_ref=...)).volumes
    assert (one.lower_ref, one.upper_ref) == (ref, ref)


def test_what_is_not_said_is_not_known() -> None:
    absent = dict.fromkeys(("start", "end", "lower", "upper", "unit", "lower_ref", "upper_ref"), ...)
    (one,) = read(feature(**absent)).volumes
    assert (one.start_ms, one.end_ms, one.lower_m, one.upper_m) == (None, None, None, None)


def test_a_point_is_a_circle_and_a_line_a_corridor() -> None:
    point = feature({"type": "Point", "coordinates": [35.9, 35.4, 120.0]}, id="A", upper=2000, radius_m=18520)
    line = feature({"type": "LineString", "coordinates": [[9, 47], [9.1, 47.1]]}, id=12, upper=2000, width_m=3704)
    found = read(point, line)
    assert [one.shape for one in found.volumes] == [
        Circle(35.9, 35.4, 18520), Corridor(((9, 47), (9.1, 47.1)), 3704)
    ]  # fmt: skip
    assert found.names == ("A", "12")


def test_each_polygon_of_a_multipolygon_is_a_part_of_one_volume() -> None:
    parts = feature({"type": "MultiPolygon", "coordinates": [[RING], [OTHER]]}, upper=2000)
    found = read(parts, feature(id="E", upper=2000))
    assert (found.names, found.owner, len(found.volumes)) == (("D-7", "E"), (0, 0, 1), 3)


def test_the_id_may_stand_beside_the_properties() -> None:
    said = feature(id=..., upper=2000) | {"id": "beside"}
    assert read(said).names == ("beside",)
    assert volumes_of(json.dumps(said).encode()).names == ("beside",), "one Feature alone"


def test_what_cannot_be_used_is_kept_at_its_widest_and_told() -> None:
    hole = [[9.12, 47.01], [9.18, 47.01], [9.18, 47.03], [9.12, 47.01]]
    holed = feature({"type": "Polygon", "coordinates": [RING, hole]}, id="HOLED", upper=2000)
    found = read(holed, feature(id="UPSIDE", lower_ref="AMSL"), feature(id="HOLED", upper=2000))
    assert found.faults == (
        "feature 1 (HOLED): the polygon has 1 holes, none is allowed; taken as it stands; "
        "say the area as several volumes; until then the holes are read as part of it",
        "feature 2 (UPSIDE): the lower limit 304.8 m is not below the upper limit 30.48 m; "
        "its band is taken as unbounded; give the lower limit first, then the upper",
        "feature 3 (HOLED): feature 1 has the same id; they are taken as two",
    )
    assert len(found.volumes) == 3


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (feature(id=...), "feature 1: properties.id: there is none"),
        (feature(id="x" * 65), "properties.id: it has 65 characters, at most 64"),
        (feature(unit=...), "feature 1 (D-7): properties.unit: there is none for lower and upper, it is ft, m or FL"),
        (feature(unit="furlong"), "feature 1 (D-7): Invalid enum value 'furlong', at `properties.unit`"),
        (feature(lower="low"), "feature 1 (D-7): Expected `float | null`, got `str`, at `properties.lower`"),
        (feature(lower_ref="QNH"), "at `properties.lower_ref`"),
        (feature(start="noon"), "properties.start: 'noon' is no time, write 2018-09-17T18:39:00Z"),
        (feature(end="2018-09-17T18:39:00"), "properties.end: '2018-09-17T18:39:00' has no zone, write a Z behind it"),
        (feature({"type": "Point", "coordinates": [9, 47]}), "properties.radius_m: a Point needs it"),
        (feature({"type": "LineString", "coordinates": [[9, 47]]}), "properties.width_m: a LineString needs it"),
        (feature({"type": "Polygon", "coordinates": []}), "geometry.coordinates: a Polygon of no ring"),
        (feature({"type": "MultiPolygon", "coordinates": []}), "a MultiPolygon of no polygon"),
        (feature({"type": "Polygon", "coordinates": [[9, 47]]}), "at `geometry.coordinates[0][0]`"),
        (feature({"type": "Polygon", "coordinates": [[[9]]]}), "a point without longitude and latitude"),
        (feature({"type": "MultiPoint", "coordinates": []}), "geometry.type: 'MultiPoint' is not Point, LineString"),
        ({"type": "Feature", "geometry": None, "properties": SAID}, "geometry.type: 'null' is not Point"),
        ("D-7", "feature 1: Expected `object`, got `str`"),
    ],
)
def test_what_cannot_be_read_names_feature_and_field(said: Any, words: str) -> None:
    fault = refused(said)
    assert words in fault.reason
    assert "docs/operate/check.md" in fault.hint


def test_the_first_three_features_at_fault_are_named_and_the_others_counted() -> None:
    fault = refused(*[feature(id=f"V{n}", unit=...) for n in range(5)], feature(upper=2000))
    assert [f"(V{n})" in fault.reason for n in range(5)] == [True, True, True, False, False]
    assert fault.reason.endswith("; and 2 features more")


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"type": "Topology"}', b'{"type": "FeatureCollection"}', b"\xff"])
def test_what_is_no_geojson_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(Refused, match=r"not GeoJSON|not a FeatureCollection"):
        volumes_of(data)


VALUE = st.none() | st.booleans() | st.floats(-200, 200) | st.text(max_size=6) | st.sampled_from(["ft", "STD", RING])
GEOMETRY = st.fixed_dictionaries(
    {"type": st.sampled_from(["Point", "LineString", "Polygon", "MultiPolygon", "x"])},
    optional={"coordinates": VALUE | st.lists(st.lists(st.floats(-200, 200), max_size=3), max_size=5)},
)


@settings(max_examples=150, deadline=None)
@given(
    geometry=GEOMETRY,
    said=st.dictionaries(st.sampled_from([*SAID, "radius_m", "width_m"]), VALUE),
)
def test_whatever_comes_is_volumes_or_refused(geometry: Any, said: dict[str, Any]) -> None:
    try:
        found = read(feature(geometry, **said))
    except Refused as caught:
        fault = caught
    else:
        assert len(found.names) == 1 <= len(found.volumes)
        return
    assert fault.reason.startswith("feature 1")
