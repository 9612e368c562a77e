"""Times: Zulu in and out, in whole milliseconds since 1970.

The law: total and exact. Any integer has a rendering (a peer may send any number), no float, no time zone but Z, no
leap seconds. The calendar is the proleptic Gregorian one.
"""

import re
from typing import Final

from keepclear.accord.outcome import Refused

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
EARLIEST_MS: Final = 946_684_800_000  # 2000-01-01; whoever says a time before it has made a mistake
LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01
MAX_ZONE_H: Final = 14  # the widest time zone there is

_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(\S*)", re.ASCII)
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TIME_HINT = "write it as 2018-09-17T18:39:00Z"


def civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a day counted from 1970-01-01. Eras of 400 years of 146 097 days, from 1 March 0000."""
    era, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day = day - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return year + 400 * era + (month <= 2), month, day


def days_of(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date; what `civil` undoes."""
    year -= month <= 2
    era, year = divmod(year, 400)
    shifted = month - 3 if month > 2 else month + 9
    return era * 146_097 + 365 * year + year // 4 - year // 100 + (153 * shifted + 2) // 5 + day - 1 - 719_468


def month_of(ms: int) -> str:
    """The UTC month of a time, as `2018-09`."""
    year, month, _ = civil(ms // DAY_MS)
    return f"{year:04d}-{month:02d}"


def zulu(ms: int, day_of_ms: int | None = None) -> str:
    """`2018-09-17 18:39:00Z`, or `18:39:00Z` when it falls on the UTC day of `day_of_ms`; thousandths if there are any.

    Never rounds: a reader may enter the text again and get the same time.
    """
    days, rest = divmod(ms, DAY_MS)
    seconds, thousandths = divmod(rest, 1_000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    text += f".{thousandths:03d}Z" if thousandths else "Z"
    if day_of_ms is not None and day_of_ms // DAY_MS == days:
        return text
    year, month, day = civil(days)
    return f"{year:04d}-{month:02d}-{day:02d} {text}"


def to_second(ms: int) -> int:
    """A time, or a length of time, without its thousandths: what is told where nobody needs them."""
    return ms // 1_000 * 1_000


def span(ms: int) -> str:
    """A length of time for people: `37 s`, `0.250 s`, `71 h 30 min` from two hours on when it is whole minutes."""
    if abs(ms) >= 2 * HOUR_MS and ms % 60_000 == 0:
        hours, minutes = divmod(abs(ms) // 60_000, 60)
        return f"{'-' if ms < 0 else ''}{hours} h" + (f" {minutes} min" if minutes else "")
    seconds, thousandths = divmod(abs(ms), 1_000)
    return f"{'-' if ms < 0 else ''}{seconds}" + (f".{thousandths:03d} s" if thousandths else " s")


def parse_time(text: str) -> int:
    """Milliseconds of an RFC 3339 time in Zulu. Raises Refused for any other zone, a date that is none, or 60 s."""
    match = _RFC3339.fullmatch(text.strip())
    if not match:
        raise Refused(f"{text[:40]!r} is no time", _TIME_HINT)
    year, month, day, hour, minute, second = (int(group) for group in match.groups()[:6])
    fraction, zone = match[7] or "", match[8]
    if zone not in ("Z", "z"):
        raise Refused(f"{text[:40]!r} is not in Zulu", f"say the UTC time with a Z: {_TIME_HINT}")
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= month <= 12 or not 1 <= day <= _MONTH_DAYS[month - 1] + leap:
        raise Refused(f"{text[:40]!r} has no such date", _TIME_HINT)
    if hour > 23 or minute > 59 or second > 59:
        raise Refused(f"{text[:40]!r} has no such time of day", _TIME_HINT)
    if fraction[3:].strip("0"):
        raise Refused(f"{text[:40]!r} is finer than a millisecond", "give at most three decimals")
    return (
        days_of(year, month, day) * DAY_MS + (hour * 60 + minute) * 60_000 + second * 1_000 + int(f"{fraction:0<3}"[:3])
    )


def hours_apart(a_ms: int, b_ms: int, tolerance_ms: int) -> int | None:
    """How many whole hours b is ahead of a, if the two differ by a time zone's worth; None if they do not.

    Two accounts of one event that differ by exactly N hours, give or take the tolerance, 1 <= |N| <= 14, are one
    time read in two zones more often than two times. The tolerance is under half an hour, else every time would do.
    """
    if not 0 <= tolerance_ms < HOUR_MS // 2:
        raise Refused(f"tolerance of {tolerance_ms} ms", f"give one under {HOUR_MS // 2} ms")
    hours = (b_ms - a_ms + HOUR_MS // 2) // HOUR_MS
    if not 1 <= abs(hours) <= MAX_ZONE_H or abs(b_ms - a_ms - hours * HOUR_MS) > tolerance_ms:
        return None
    return hours
