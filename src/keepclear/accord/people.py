"""People's input: positions, altitudes, distances and areas as they are typed, read into the wire's exact integers.

The law: no float. A number is a decimal of digits; what does not come out even is rounded to the nearest unit
(1.1 cm of position, half a centimetre of height), a radius or width upward, so that an area never shrinks. Datum
WGS-84. What could be read in two ways is refused with a hint. The digits of other scripts count as digits.
"""

import re
import unicodedata
from fractions import Fraction
from typing import Final

from keepclear.accord import shape
from keepclear.accord.outcome import Refused
from keepclear.accord.shape import Altitude, AltRef, AreaKind, LonLat
from keepclear.geo.units import divide_nearest

MAX_TYPED: Final = 80  # characters of one position, altitude or distance

_CM: Final = {
    "nm": Fraction(185_200),
    "km": Fraction(100_000),
    "m": Fraction(100),
    "ft": Fraction(3_048, 100),
}
_REFERENCES: Final = {
    "": AltRef.AMSL, "amsl": AltRef.AMSL, "msl": AltRef.AMSL, "agl": AltRef.AGL, "std": AltRef.STD,
    "wgs84": AltRef.WGS84, "wgs-84": AltRef.WGS84, "hae": AltRef.WGS84,
}  # fmt: skip
_LOOKALIKES: Final = str.maketrans({"−": "-", "–": "-", "′": "'", "’": "'", "″": '"', "”": '"', "º": "°"})

_NUMBER: Final = r"\d+(?:\.\d*)?"
_DECIMAL = re.compile(rf"([+-]?{_NUMBER})\s*[,\s]\s*([+-]?{_NUMBER})")
_ANGLE: Final = rf"({_NUMBER})\s*°?\s*(?:({_NUMBER})\s*')?\s*(?:({_NUMBER})\s*\")?\s*"
_LETTERED = re.compile(rf"{_ANGLE}([NSns])\s*,?\s*{_ANGLE}([EWew])")
_COMPACT = re.compile(r"(\d\d)(\d\d)(\d\d(?:\.\d+)?)?([NSns])\s*,?\s*(\d\d\d)(\d\d)(\d\d(?:\.\d+)?)?([EWew])")
_LENGTH = re.compile(rf"({_NUMBER})\s*(nm|km|m|ft)", re.IGNORECASE)
_HEIGHT = re.compile(rf"([+-]?{_NUMBER})\s*(ft|m)\s*([a-z0-9-]*)", re.IGNORECASE)
_LEVEL = re.compile(r"FL\s*(\d{1,4})", re.IGNORECASE)
_POSITION_HINT: Final = "write it as 35.4,35.9 (latitude first), 35°24'00\"N 35°54'00\"E or 352400N0355400E"
_AREA_HINT: Final = (
    "write `polygon 35.4,35.9 36.0,35.9 36.0,36.5`, `circle 35.4,35.9 20nm`, `corridor 4nm 35.4,35.9 36.0,35.9` "
    "or `unknown`"
)


def parse_position(text: str) -> LonLat:
    """(longitude, latitude) in 1e-7 degree of a position typed latitude first, in degrees or degrees, minutes, seconds.

    Raises Refused for what is no position, is not on earth, or has 60 minutes or seconds.
    """
    plain = _plain(text)
    if match := _DECIMAL.fullmatch(plain):
        lat, lon = Fraction(match[1]), Fraction(match[2])
    elif match := _COMPACT.fullmatch(plain) or _LETTERED.fullmatch(plain):
        lat = _angle(text, match[1], match[2], match[3]) * (-1 if match[4] in "Ss" else 1)
        lon = _angle(text, match[5], match[6], match[7]) * (-1 if match[8] in "Ww" else 1)
    else:
        raise Refused(f"{text[:60]!r} is no position", _POSITION_HINT)
    if abs(lat) > 90 or abs(lon) > 180:
        raise Refused(f"{text[:60]!r} is not on earth", f"latitude is within 90 degrees; {_POSITION_HINT}")
    return _nearest(lon * 10_000_000), _nearest(lat * 10_000_000)


def parse_altitude(text: str) -> Altitude:
    """An altitude limit: `FL100`, `3000ft`, `1500m AMSL`, `GND` or `SFC`, `UNL`. Without a reference it is AMSL.

    UNL is said to have no upper limit, as its own value; leave the limit out when it is not known.
    """
    plain = _plain(text)
    if plain.upper() in ("GND", "SFC"):
        return shape.GROUND
    if plain.upper() == "UNL":
        return shape.UNLIMITED
    if match := _LEVEL.fullmatch(plain):
        return Altitude(int(match[1]) * 3_048, AltRef.STD)
    match = _HEIGHT.fullmatch(plain)
    if not match or match[3].lower() not in _REFERENCES:
        raise Refused(f"{text[:40]!r} is no altitude", "write it as FL100, 3000ft, 1500m AMSL, 500ft AGL, GND or UNL")
    return Altitude(_nearest(Fraction(match[1]) * _CM[match[2].lower()]), _REFERENCES[match[3].lower()])


def parse_distance(text: str) -> int:
    """Centimetres of a distance with its unit (nm, km, m, ft), rounded up to a whole one."""
    match = _LENGTH.fullmatch(_plain(text))
    if not match:
        raise Refused(f"{text[:40]!r} is no distance", "write it as 20nm, 37.5km, 500m or 3000ft")
    return -(-Fraction(match[1]) * _CM[match[2].lower()] // 1)


def parse_area(text: str) -> tuple[int, ...]:
    """The area of a shape typed as a word and its numbers; positions without blanks inside. See the hint for the forms.

    A ring may repeat its first point at its end. Whether the shape can be used is judged by `geometry`.
    """
    word, *rest = text.split() or [""]
    match word.lower():
        case "unknown" if not rest:
            return (int(AreaKind.UNKNOWN),)
        case "polygon" if len(rest) >= 3:
            points = [parse_position(one) for one in rest]
            return shape.polygon(points[:-1] if points[0] == points[-1] else points)
        case "circle" if len(rest) == 2:
            return shape.circle(*parse_position(rest[0]), parse_distance(rest[1]))
        case "corridor" if len(rest) >= 3:
            return shape.corridor([parse_position(one) for one in rest[1:]], parse_distance(rest[0]))
    raise Refused(f"{text[:60]!r} is no area", _AREA_HINT)


def parse_text(text: str) -> str:
    """Free text as it goes on the wire: composed (NFC), line ends and tabs as blanks, no blanks around it."""
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _plain(text: str) -> str:
    """The text with digits of any script as 0 to 9 and typographic signs as plain ones."""
    if len(text) > MAX_TYPED:
        raise Refused(f"{len(text)} characters for one value, at most {MAX_TYPED}", "give one value at a time")
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return digits.translate(_LOOKALIKES).strip()


def _angle(text: str, degrees: str, minutes: str | None, seconds: str | None) -> Fraction:
    parts = [Fraction(part) if part else Fraction(0) for part in (degrees, minutes, seconds)]
    if parts[1] >= 60 or parts[2] >= 60:
        raise Refused(f"{text[:60]!r} has 60 minutes or seconds", "minutes and seconds are below 60")
    if any(part.denominator != 1 and any(parts[at + 1 :]) for at, part in enumerate(parts)):
        raise Refused(f"{text[:60]!r} has a fraction before its last part", _POSITION_HINT)
    return parts[0] + parts[1] / 60 + parts[2] / 3600


def _nearest(value: Fraction) -> int:
    return divide_nearest(value.numerator, value.denominator)
