"""The account of a picture's rows: how many were read, refused or taken with a doubt, for what reason, and where.

Law: nothing is left out or read differently without being counted here, with the first places where it happened. What
is counted is of two sorts. A row is *refused* if nobody can say when or where its aircraft was; every other fault is a
*doubt*: the row is kept in the reading that misses nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np

from keepclear.geo.units import BoolArray, IntArray

FIRST: Final = 3  # places shown of each sort; more would hide the other sorts


class Fault(StrEnum):
    """Why a row was refused."""

    FIELDS = "not as many fields as the header has, or no object"
    TIME = "no timestamp, or one that is no time from 2000 to 2100"
    NO_POSITION = "latitude or longitude is missing or no number"
    OFF_EARTH = "latitude is not within -90..90, or longitude not within -180..180"
    IDENTITY = "no track_id, icao24 or callsign, or it has over 64 bytes"
    TOO_LONG = "a line of over 65536 bytes"


class Doubt(StrEnum):
    """How a row with something wrong in it was taken all the same."""

    NO_ALTITUDE = "no altitude: taken as any altitude, near everything"
    ALTITUDE = "altitude is no number within -2000..400000 ft: taken as any altitude, near everything"
    NO_VELOCITY = "no groundspeed or no track: taken as standing still"
    VELOCITY = "groundspeed is no number within 0..5000 kt, or track none within -360..360: taken as standing still"
    NO_CLIMB = "no vertical_rate: taken as level"
    CLIMB = "vertical_rate is no number within -200000..200000 ft/min: taken as level"
    NO_ZONE = "a timestamp without a zone: read as UTC"
    UNSORTED = "earlier than a row before it: sorted by time"
    REPEATED = "the same id twice in one picture, all the same: taken once"
    AMBIGUOUS = "the same id twice in one picture, not the same: both taken, not checked against each other"
    CUT = "the file ends inside a row: read up to there"


Sort = Fault | Doubt
_REMARKS: Final = frozenset({Doubt.NO_ZONE, Doubt.UNSORTED, Doubt.REPEATED})
"""Nothing is in doubt for these."""


@dataclass(slots=True)
class Count:
    """How often, and the first places."""

    number: int = 0
    first: list[int] = field(default_factory=list)


class Tally:
    """Counts by sort. `noun` is what its places are: lines of a text, rows of anything else."""

    def __init__(self, noun: str = "line") -> None:
        self.noun = noun
        self.rows = 0
        self.counts: dict[Sort, Count] = {}

    @property
    def refused(self) -> int:
        """How many rows were refused."""
        return sum(count.number for sort, count in self.counts.items() if isinstance(sort, Fault))

    def enter(self, sort: Sort, places: Iterable[int]) -> None:
        """Counts one for each place."""
        found = list(places)
        if found:
            count = self.counts.setdefault(sort, Count())
            count.number += len(found)
            count.first = sorted([*count.first, *found])[:FIRST]

    def enter_where(self, sort: Sort, mask: BoolArray, places: IntArray) -> None:
        """Counts one for each place where the mask is set."""
        number = int(np.count_nonzero(mask))
        if number:
            count = self.counts.setdefault(sort, Count())
            count.number += number
            count.first = sorted([*count.first, *places[mask][:FIRST].tolist()])[:FIRST]

    def told(self) -> list[str]:
        """One line a sort, refusals first, each in the sequence of its list."""
        return [self._told(sort) for sort in [*Fault, *Doubt] if sort in self.counts]

    def _told(self, sort: Sort) -> str:
        count = self.counts[sort]
        verdict = "refused" if isinstance(sort, Fault) else "noted" if sort in _REMARKS else "in doubt"
        places = ", ".join(str(place) for place in count.first)
        more = ", ..." if count.number > len(count.first) else ""
        noun = self.noun if count.number == 1 else f"{self.noun}s"
        return f"{count.number} {verdict}: {sort.value} ({noun} {places}{more})"
