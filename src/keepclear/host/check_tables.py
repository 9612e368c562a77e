"""What a check found, as tables for people: one line for each episode of a pair."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

from keepclear.accord.figures import clean
from keepclear.accord.times import zulu
from keepclear.host.check_episodes import Episode, Episodes
from keepclear.host.check_run import Found, Picture, places_of
from keepclear.host.terminal import table
from keepclear.interop.findings import Entry, Loss, Meeting

MAX_SHOWN: Final = 100
NOT_KNOWN: Final = "not known"
PERHAPS: Final = "perhaps: their altitude references differ"


class LossTable:
    """Losses of separation, by pair; with the places where they are nearest if `placed`. A sink."""

    def __init__(self, placed: bool) -> None:
        self.episodes = Episodes()
        self._placed = placed

    def take(self, picture: Picture, found: Found) -> None:
        """Takes one picture's losses in."""
        for loss in found:
            assert isinstance(loss, Loss)
            begin_ms = picture.at_ms + round(1000 * loss.t_in_s)
            one = self.episodes.enter((loss.a, loss.b), picture.at_ms, begin_ms, loss.h_min_m, loss.v_min_ft)
            if self._placed and not one.places:
                one.places = places_of(picture, one.pair, picture.at_ms + round(1000 * loss.t_cpa_s))
        self.episodes.picture(picture.at_ms)

    def show(self) -> None:
        """Prints them."""
        columns = ("no", "a", "b", "warned from", "until", "pictures", "loss", "least NM", "least ft")
        rows = [
            (
                str(number), clean(one.pair[0]), clean(one.pair[1]), zulu(one.first_ms),
                zulu(one.last_ms, one.first_ms), str(one.pictures), _begins(one),
                "" if one.least_h_m is None else f"{one.least_h_m / 1852:.2f}",
                NOT_KNOWN if one.least_v_ft is None else f"{one.least_v_ft:.0f}",
            )
            for number, one in enumerate(self.episodes.all()[:MAX_SHOWN], 1)
        ]  # fmt: skip
        _show(columns, rows, len(self.episodes))


class EntryTable:
    """Ways into volumes, by track and volume; with the places where they enter if `placed`. A sink."""

    def __init__(self, placed: bool) -> None:
        self.episodes = Episodes()
        self._placed = placed

    def take(self, picture: Picture, found: Found) -> None:
        """Takes one picture's entries in."""
        for entry in found:
            assert isinstance(entry, Entry)
            begin_ms = None if entry.t_enter_s is None else picture.at_ms + round(1000 * entry.t_enter_s)
            one = self.episodes.enter((entry.track, entry.volume), picture.at_ms, begin_ms)
            if self._placed and not one.places:
                one.places = places_of(picture, one.pair[:1], picture.at_ms if begin_ms is None else begin_ms)
        self.episodes.picture(picture.at_ms)

    def show(self) -> None:
        """Prints them."""
        columns = ("no", "track", "volume", "warned from", "until", "pictures", "inside")
        rows = [
            (
                str(number), clean(one.pair[0]), clean(one.pair[1]), zulu(one.first_ms),
                zulu(one.last_ms, one.first_ms), str(one.pictures), _begins(one),
            )
            for number, one in enumerate(self.episodes.all()[:MAX_SHOWN], 1)
        ]  # fmt: skip
        _show(columns, rows, len(self.episodes))


def show_meetings(found: Mapping[Meeting, bool]) -> None:
    """Prints the volumes that meet, and which do so only perhaps."""
    rows = [
        (str(number), clean(one.a), clean(one.b), PERHAPS if perhaps else "")
        for number, (one, perhaps) in enumerate(islice(found.items(), MAX_SHOWN), 1)
    ]
    _show(("no", "a", "b", "how sure"), rows, len(found))


def _begins(one: Episode) -> str:
    """When it began, or was foretold to at first."""
    if one.on_ms is not None:
        return f"on at {zulu(one.on_ms, one.first_ms)}"
    return "in error only" if one.begin_ms is None else f"foretold for {zulu(one.begin_ms, one.first_ms)}"


def _show(columns: Sequence[str], rows: Sequence[Sequence[str]], number: int) -> None:
    if rows:
        table("", columns, rows)
    if number > len(rows):
        print(f"and {number - len(rows)} more: --jsonl has all")
