"""Fleet: own flights that are held: of each its newest report, the one that later ones are held against, when it came.

The law: a row of integers a flight in every table, in the sequence in which flights came to be held; a flight that
leaves is out of all of them. Ten thousand are renewed each second, so they are looked up once and taken together.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from keepclear.geo.units import IntArray
from keepclear.interop.position import Position
from keepclear.node import rows


class Fleet(msgspec.Struct, array_like=True):
    """`places` are the flights' rows, rising; `sayers` (source, 24-bit address) of their newest reports, which are in
    `newest`, as those that they are held against are in `base` (rows.py); `heard` is when the newest came, monotonic.
    """

    places: dict[str, int] = {}
    sayers: list[tuple[str, str]] = []
    newest: bytearray = msgspec.field(default_factory=bytearray)
    base: bytearray = msgspec.field(default_factory=bytearray)
    heard: bytearray = msgspec.field(default_factory=bytearray)

    def __len__(self) -> int:
        """How many flights are held."""
        return len(self.places)

    def __contains__(self, flight: str) -> bool:
        """Whether a flight is held."""
        return flight in self.places

    def find(self, flights: Iterable[str]) -> IntArray:
        """The rows of flights; -1 for one that is not held."""
        place = self.places.get
        return np.array([place(flight, -1) for flight in flights], dtype=np.int64)

    def reports(self) -> IntArray:
        """The newest reports (n, 12), to be read before the next flight is taken in."""
        return rows.view(self.newest)

    def bases(self) -> IntArray:
        """The reports (n, 12) that later ones are held against; to be read, or set, before the next is taken in."""
        return rows.view(self.base)

    def heard_ms(self) -> IntArray:
        """When the newest reports came (n); to be read, or set, before the next flight is taken in."""
        return np.frombuffer(self.heard, dtype="<i8")

    def report(self, flight: str) -> Position:
        """A flight's newest report."""
        at = self.places[flight]
        return rows.position_of(self.reports()[at], flight, *self.sayers[at])

    def source(self, flight: str) -> str:
        """Who reports a flight."""
        return self.sayers[self.places[flight]][0]

    def address(self, flight: str) -> str:
        """A flight's 24-bit address, as it is reported."""
        return self.sayers[self.places[flight]][1]

    def hold(self, reports: Sequence[Position], table: IntArray, mono_ms: int) -> None:
        """Takes in flights that are not held yet, with their rows; later reports are held against these."""
        self.places |= {p.flight: at for at, p in enumerate(reports, start=len(self.places))}
        self.sayers += [(p.source, p.icao24) for p in reports]
        self.newest += table.tobytes()
        self.base += table.tobytes()
        self.heard += np.full(len(reports), mono_ms, dtype="<i8").tobytes()

    def renew(self, at: IntArray, reports: Sequence[Position], table: IntArray, mono_ms: int) -> None:
        """Puts newer reports, of as many flights, in their rows."""
        for place, p in zip(at.tolist(), reports, strict=True):
            self.sayers[place] = (p.source, p.icao24)
        self.reports()[at] = table
        self.heard_ms()[at] = mono_ms

    def let_go(self, flights: Iterable[str]) -> None:
        """Takes flights out that are held."""
        gone = {self.places[flight] for flight in flights}
        stays = np.array([at not in gone for at in range(len(self.places))], dtype=bool)
        self.newest, self.base = (bytearray(table[stays].tobytes()) for table in (self.reports(), self.bases()))
        self.heard = bytearray(self.heard_ms()[stays].tobytes())
        self.sayers = [sayer for at, sayer in enumerate(self.sayers) if at not in gone]
        self.places = {flight: at for at, flight in enumerate(f for f, at in self.places.items() if at not in gone)}
