"""A transmitter for tests: extended squitters (DF17) as an aircraft would send them, in the AVR text dump1090 reads.

Written from the published tables of ICAO Doc 9871 / RTCA DO-260B, so that the decoder under test is somebody else's:
dump1090. Decoding Mode S is nowhere in this repository.
"""

import math

GENERATOR = 0xFFF409  # the parity polynomial of Mode S, without its leading term
CHARACTERS = "#ABCDEFGHIJKLMNOPQRSTUVWXYZ##### ###############0123456789######"


def parity(bits: int, width: int) -> int:
    register = 0
    for position in reversed(range(width)):
        carry = (register >> 23 ^ bits >> position) & 1
        register = (register << 1 & 0xFFFFFF) ^ (GENERATOR if carry else 0)
    return register


def squitter(address: int, message: int) -> str:
    body = 0x8D << 80 | address << 56 | message
    return f"*{body:022X}{parity(body, 88):06X};"


def packed(*fields: tuple[int, int]) -> int:
    """(value, width) pairs to the 56 bits of a message."""
    bits = 0
    for value, width in fields:
        assert 0 <= value < 1 << width, (value, width)
        bits = bits << width | value
    assert sum(width for _, width in fields) == 56
    return bits


def identification(address: int, callsign: str) -> str:
    letters = [(CHARACTERS.index(letter), 6) for letter in callsign.ljust(8)]
    return squitter(address, packed((4, 5), (0, 3), *letters))


def airborne_position(address: int, lat: float, lon: float, alt_ft: int | None, *, odd: bool) -> str:
    cpr_lat, cpr_lon = compact(lat, lon, odd=odd)
    return squitter(
        address, packed((11, 5), (0, 3), (altitude_code(alt_ft), 12), (0, 1), (odd, 1), (cpr_lat, 17), (cpr_lon, 17))
    )


def surface_position(address: int, lat: float, lon: float, track_deg: float, *, odd: bool) -> str:
    cpr_lat, cpr_lon = compact(lat, lon, odd=odd, surface=True)
    heading = round(track_deg * 128 / 360) % 128
    movement = 39  # 15 kt: the code table's step from 15 to 16 kt
    return squitter(
        address,
        packed((7, 5), (movement, 7), (1, 1), (heading, 7), (0, 1), (odd, 1), (cpr_lat, 17), (cpr_lon, 17)),
    )


def velocity(address: int, east_kt: int, north_kt: int, climb_fpm: int, gnss_above_baro_ft: int | None = None) -> str:
    difference = 0 if gnss_above_baro_ft is None else abs(gnss_above_baro_ft) // 25 + 1
    return squitter(
        address,
        packed(
            *((19, 5), (1, 3), (0, 5)),
            *((east_kt < 0, 1), (abs(east_kt) + 1, 10), (north_kt < 0, 1), (abs(north_kt) + 1, 10)),
            *((1, 1), (climb_fpm < 0, 1), (abs(climb_fpm) // 64 + 1, 9), (0, 2)),
            *((bool(gnss_above_baro_ft and gnss_above_baro_ft < 0), 1), (difference, 7)),
        ),
    )


def altitude_code(alt_ft: int | None) -> int:
    if alt_ft is None:
        return 0
    steps = (alt_ft + 1_000) // 25
    return (steps >> 4) << 5 | 0x10 | steps & 0xF


def compact(lat: float, lon: float, *, odd: bool, surface: bool = False) -> tuple[int, int]:
    """Compact position reporting: 17 bits each of latitude and longitude."""
    scale = 2**19 if surface else 2**17
    zone_lat = 360 / (60 - odd)
    y = math.floor(scale * (lat % zone_lat) / zone_lat + 0.5)
    sent_lat = zone_lat * (y / scale + math.floor(lat / zone_lat))
    zone_lon = 360 / max(longitude_zones(sent_lat) - odd, 1)
    x = math.floor(scale * (lon % zone_lon) / zone_lon + 0.5)
    return y % 2**17, x % 2**17


def longitude_zones(lat: float) -> int:
    if abs(lat) >= 87:
        return 1 if abs(lat) > 87 else 2
    if lat == 0:
        return 59
    share = (1 - math.cos(math.pi / 30)) / math.cos(math.radians(lat)) ** 2
    return math.floor(2 * math.pi / math.acos(1 - share))
