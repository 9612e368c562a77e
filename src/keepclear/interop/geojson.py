"""Volumes from GeoJSON (RFC 7946): bytes in, named volumes out.

Law: a volume that was left out would be silence, so a file of which any feature cannot be read is refused, with the
feature, the field and what to do. What can be read and not be used is kept at its widest reading and told
(geo/volume.py). Not known (null or left out) is the widest: no start, no end, no limit.

    {"type": "FeatureCollection", "features": [{"type": "Feature",
     "geometry": {"type": "Point", "coordinates": [35.9, 35.4]},
     "properties": {"id": "D-7", "start": "2018-09-17T18:39:00Z", "end": "2018-09-17T20:00:00Z",
      "lower": 0, "upper": 10000, "unit": "ft", "lower_ref": "AGL", "upper_ref": "AMSL", "radius_m": 18520}}]}

A Point needs radius_m (a circle), a LineString width_m (a corridor, its total width); each polygon of a MultiPolygon is
a part of one volume. Altitudes beside a place are not read. docs/operate/check.md is the reader's page.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from keepclear.accord.figures import clean
from keepclear.geo.altitude import AltRef
from keepclear.geo.volume import Circle, Corridor, LonLat, Polygon, Shape, Volume, validate
from keepclear.interop.lines import Refused

MAX_VOLUMES: Final = 200_000
MAX_POINTS: Final = 100_000  # of one feature
MAX_TOLD: Final = 3
MAX_NAME: Final = 64
_METRES: Final = {"ft": 0.3048, "m": 1.0, "FL": 30.48}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HINT: Final = "docs/operate/check.md lists the properties, their units and an example"

Position = list[float]


class _Collection(msgspec.Struct):
    type: str
    features: list[msgspec.Raw] | None = None


class _Geometry(msgspec.Struct):
    type: str
    coordinates: msgspec.Raw = msgspec.Raw(b"null")


class _Properties(msgspec.Struct):
    id: str | int | float | None = None
    start: str | None = None
    end: str | None = None
    lower: float | None = None
    upper: float | None = None
    unit: Literal["ft", "m", "FL"] | None = None
    lower_ref: Literal["AMSL", "AGL", "WGS84", "STD"] | None = None
    upper_ref: Literal["AMSL", "AGL", "WGS84", "STD"] | None = None
    radius_m: float | None = None
    width_m: float | None = None


class _Feature(msgspec.Struct):
    type: Literal["Feature"]
    geometry: _Geometry | None
    properties: _Properties | None
    id: str | int | float | None = None


class _Named(msgspec.Struct):
    """As much of a feature as says which it is."""

    id: Any = None
    properties: Any = None


@dataclass(frozen=True, slots=True)
class NamedVolumes:
    """Volumes, and for each the number of the name it goes by: parts of one share it. `faults` are for a person."""

    names: tuple[str, ...]
    volumes: tuple[Volume, ...]
    owner: tuple[int, ...]
    faults: tuple[str, ...]


def volumes_of(data: bytes) -> NamedVolumes:
    """The volumes of a FeatureCollection or of one Feature. Raises Refused, naming the first features at fault."""
    features = _features(data)
    names: list[str] = []
    volumes: list[Volume] = []
    owner: list[int] = []
    refused: list[str] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, raw in enumerate(features, 1):
        try:
            name, parts = _read(raw)
        except (Refused, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            refused.append(clean(f"feature {number}{_which(raw)}: {_said(error)}"))
            continue
        if name in seen:
            faults.append(f"feature {number} ({name}): feature {seen[name]} has the same id; they are taken as two")
        seen.setdefault(name, number)
        for part in parts:
            faults += [f"feature {number} ({name}): {f.reason}; {_taken(f.widens)}; {f.hint}" for f in validate(part)]
        owner += [len(names)] * len(parts)
        names.append(name)
        volumes += parts
        if len(volumes) > MAX_VOLUMES:
            raise Refused("too_many", f"over {MAX_VOLUMES} volumes", "split the file, and check the parts in pairs")
    if refused:
        more = f"; and {len(refused) - MAX_TOLD} features more" if len(refused) > MAX_TOLD else ""
        raise Refused("feature", "; ".join(refused[:MAX_TOLD]) + more, _HINT)
    return NamedVolumes(tuple(names), tuple(volumes), tuple(owner), tuple(faults))


def _features(data: bytes) -> list[msgspec.Raw]:
    try:
        top = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Collection)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("not_geojson", f"not GeoJSON: {error}", _HINT) from None
    if top.type == "Feature":
        return [msgspec.Raw(data)]
    if top.type != "FeatureCollection" or top.features is None:
        reason = f"not a FeatureCollection with features: its type is {top.type[:40]!r}"
        raise Refused("not_geojson", reason, _HINT)
    return top.features


def _which(raw: msgspec.Raw) -> str:
    """The id of a feature that could not be read, if that can be."""
    try:
        named = msgspec.json.decode(raw, type=_Named)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    said = named.properties.get("id") if isinstance(named.properties, dict) else None
    said = named.id if said is None else said
    return "" if said is None else f" ({str(said)[:MAX_NAME]})"


def _said(error: Exception) -> str:
    return str(error).replace("`$.", "`").replace(" - at ", ", at ")


def _taken(widens: str) -> str:
    """What is read where something cannot be used."""
    if widens == "area":
        return "it is taken to be everywhere"
    return f"its {widens} is taken as unbounded" if widens else "taken as it stands"


def _read(raw: msgspec.Raw) -> tuple[str, list[Volume]]:
    feature = msgspec.json.decode(raw, type=_Feature)
    said = feature.properties or _Properties()
    name = said.id if said.id is not None else feature.id
    if name is None or not str(name).strip():
        raise Refused("id", "properties.id: there is none", _HINT)
    if len(str(name)) > MAX_NAME:
        raise Refused("id", f"properties.id: it has {len(str(name))} characters, at most {MAX_NAME}", _HINT)
    band = _band(said)
    start_ms, end_ms = _instant_ms("start", said.start), _instant_ms("end", said.end)
    shapes = _shapes(feature.geometry, said)
    return str(name), [Volume(shape, start_ms=start_ms, end_ms=end_ms, **band) for shape in shapes]


def _band(said: _Properties) -> dict[str, Any]:
    if said.unit is None and (said.lower is not None or said.upper is not None):
        raise Refused("unit", "properties.unit: there is none for lower and upper, it is ft, m or FL", _HINT)
    usual = "STD" if said.unit == "FL" else "AMSL"
    metres = _METRES[said.unit or "m"]
    return {
        "lower_m": None if said.lower is None else said.lower * metres,
        "upper_m": None if said.upper is None else said.upper * metres,
        "lower_ref": AltRef[said.lower_ref or usual],
        "upper_ref": AltRef[said.upper_ref or usual],
    }


def _instant_ms(field: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            "time", f"properties.{field}: {text[:40]!r} is no time, write 2018-09-17T18:39:00Z", _HINT
        ) from None
    if moment.tzinfo is None:
        raise Refused("time", f"properties.{field}: {text[:40]!r} has no zone, write a Z behind it for UTC", _HINT)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _shapes(geometry: _Geometry | None, said: _Properties) -> Iterator[Shape]:
    kind = geometry.type if geometry else "null"
    raw = geometry.coordinates if geometry else b""
    match kind:
        case "Point":
            ((lon, lat),) = _places([_coordinates(raw, Position)])
            yield Circle(lon, lat, _size("radius_m", "Point", said.radius_m))
        case "LineString":
            yield Corridor(_places(_coordinates(raw, list[Position])), _size("width_m", "LineString", said.width_m))
        case "Polygon":
            yield _polygon(_coordinates(raw, list[list[Position]]))
        case "MultiPolygon":
            polygons = _coordinates(raw, list[list[list[Position]]])
            if not polygons:
                raise Refused("geometry", "geometry.coordinates: a MultiPolygon of no polygon", _HINT)
            yield from map(_polygon, polygons)
        case _:
            reason = f"geometry.type: {kind[:40]!r} is not Point, LineString, Polygon or MultiPolygon"
            raise Refused("geometry", reason, _HINT)


def _coordinates(raw: msgspec.Raw | bytes, shape: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        where = str(error).replace("`$", "`geometry.coordinates").replace(" - at ", ", at ")
        raise Refused("geometry", where, _HINT) from None


def _size(field: str, kind: str, metres: float | None) -> float:
    if metres is None:
        raise Refused("size", f"properties.{field}: a {kind} needs it", _HINT)
    return metres


def _polygon(rings: list[list[Position]]) -> Polygon:
    if not rings:
        raise Refused("geometry", "geometry.coordinates: a Polygon of no ring", _HINT)
    ring, *holes = (_places(one) for one in rings)
    return Polygon(ring, tuple(holes))


def _places(positions: list[Position]) -> tuple[LonLat, ...]:
    if len(positions) > MAX_POINTS:
        reason = f"geometry.coordinates: {len(positions)} points, at most {MAX_POINTS} are read"
        raise Refused("geometry", reason, "split the area, or say it with fewer points")
    if any(len(position) < 2 for position in positions):
        raise Refused("geometry", "geometry.coordinates: a point without longitude and latitude", _HINT)
    return tuple((position[0], position[1]) for position in positions)
