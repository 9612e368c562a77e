"""A scenario: who says what when, and where aircraft are, read from a data file and turned into statements.

The law: a scenario file holds facts and words, no code; what in it is invented says so. Every play is laid on a day of
its own after the scenario's date, so that the clock of one line never runs back. Unknown keys are refused.
"""

from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Final

import msgspec

from keepclear.accord import people, statement, understanding
from keepclear.accord.shape import UNKNOWN_VOLUME, Volume
from keepclear.accord.statement import Activity, Body, HazardKind, HazardSource, Kind, Precedence, Step
from keepclear.accord.understanding import AckWithin, MinNotice, Reaction, VolumeGiven, WindowGiven, WithinArea

DAY_MS: Final = 86_400_000
FLASH_KINDS: Final = frozenset({"NOTICE", "HAZARD", "CEASE_NOW", "DISTRESS"})


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the parties agree on at the beginning."""

    name: str
    text: str
    floors_s: dict[str, int]
    ack_s: dict[str, int]
    reaction_s: tuple[int, int, int]
    area: str = ""
    invented: bool = False


class Track(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A flight's nominal way: (Zulu time of day, lat, lon, altitude m, sigma km, sigma altitude m, basis) each."""

    flight: str
    owner: str
    points: tuple[tuple[str, float, float, int, float, int, str], ...]
    layers: tuple[str, ...] = ()
    cruise_kmh: int = 0
    invented: bool = False


class PlanFiled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A flight's own plan, given to its owner's node at a time: (Zulu, lat, lon, altitude m) each."""

    z: str
    flight: str
    owner: str
    points: tuple[tuple[str, float, float, int], ...]
    layers: tuple[str, ...] = ()
    tolerance_m: int = 500
    invented: bool = False


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence of one account. Rows of one `about` are held against each other."""

    z: str
    account: str
    text: str
    source: str
    about: str = ""
    local: str = ""


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that is said, why it matters, and what it rests on."""

    z: str
    who: str
    say: str
    why: str
    id: str = ""
    refs: tuple[str, ...] = ()
    replaces: str = ""
    precedence: str = ""
    activity: str = "EXERCISE"
    hazard: str = "OTHER"
    hazard_source: str = "OWN"
    area: tuple[str, ...] = ()
    lower: str = ""
    upper: str = ""
    start: str = ""
    end: str = ""
    since: str = ""
    at: str = ""
    last_fix: str = ""
    aboard: int | None = None
    residual: bool = False
    text: str = ""
    source: str = ""
    invented: bool = False


class Play(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_z": "from", "until_z": "until"}):
    """A stretch of time that is played through the nodes."""

    act: int
    layer: str
    title: str
    from_z: str
    until_z: str
    event: tuple[Event, ...]


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the scenario is."""

    name: str
    title: str
    date: str
    parties: dict[str, str]
    observer: str
    note: tuple[str, ...] = ()
    recorded: str = ""
    step_s: int = 10


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole scenario file."""

    scenario: Head
    understanding: Rules
    play: tuple[Play, ...]
    track: tuple[Track, ...] = ()
    plan: tuple[PlanFiled, ...] = ()
    told: tuple[Told, ...] = ()


class Day:
    """The times of day of one play, on its own date."""

    def __init__(self, date: str, number: int) -> None:
        midnight = datetime.fromisoformat(date).replace(tzinfo=UTC) + timedelta(days=number)
        self.midnight_ms = int(midnight.timestamp()) * 1_000

    def ms(self, z: str) -> int:
        """Epoch milliseconds of HH:MM or HH:MM:SS."""
        hours, minutes, *seconds = (int(part) for part in z.split(":"))
        return self.midnight_ms + ((hours * 60 + minutes) * 60 + (seconds[0] if seconds else 0)) * 1_000


def load(name: str) -> Scenario:
    """A scenario that comes with the package. Raises FileNotFoundError, msgspec.ValidationError."""
    data = resources.files("keepclear.scenarios").joinpath(f"{name}.toml").read_bytes()
    return msgspec.toml.decode(data, type=Scenario)


def names() -> list[str]:
    """The scenarios that come with the package."""
    files = resources.files("keepclear.scenarios").iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def rules_of(rules: Rules, effective_ms: int) -> statement.Understanding:
    """The understanding that the parties of a scenario agree on."""
    area = Volume(people.parse_area(rules.area)) if rules.area else None
    agreed: list[understanding.AnyRule] = [
        MinNotice(
            "N1", "Notice is given at least so long before the activity.",
            tuple((int(Activity[name]), seconds * 1_000) for name, seconds in rules.floors_s.items()),
        ),
        VolumeGiven("N2", "A notice says where: an area and its altitude limits."),
        WindowGiven("N3", "A notice says from when until when, in UTC."),
        AckWithin(
            "A1", "A seat acknowledges within so long of the display.",
            tuple((int(Precedence[name]), seconds * 1_000) for name, seconds in rules.ack_s.items()),
        ),
        Reaction("M1", "Margins are reckoned with these times.", *(s * 1_000 for s in rules.reaction_s)),
    ]  # fmt: skip
    if area is not None:
        agreed.append(WithinArea("W1", "What is said stays within this area.", area))
    return statement.Understanding(
        name=rules.name, version=1, effective_ms=effective_ms, rules=understanding.to_wire(agreed), text=rules.text
    )


def precedence_of(event: Event) -> Precedence:
    """How urgent an event's statement is: as written, else FLASH for warnings, IMMEDIATE for the rest."""
    if event.precedence:
        return Precedence[event.precedence]
    return Precedence.FLASH if event.say in FLASH_KINDS else Precedence.IMMEDIATE


def volumes_of(event: Event) -> tuple[Volume, ...]:
    """The volumes of an event, as typed in the file."""
    lower = people.parse_altitude(event.lower) if event.lower else None
    upper = people.parse_altitude(event.upper) if event.upper else None
    found = (people.parse_area(text) for text in event.area)
    return tuple(
        UNKNOWN_VOLUME if area == UNKNOWN_VOLUME.area else Volume(area, 10_000, lower, upper) for area in found
    )


def body_of(
    event: Event, day: Day, doubts: int = 0, expected: tuple[int | None, int | None, str | None] | None = None
) -> Body:
    """The statement of an event; `doubts` and `expected` are what its author's node drafted for it."""
    say, text = event.say, event.text
    at_ms = day.ms(event.at or event.z)
    if say in ("NOTICE", "AMEND"):
        kind = statement.Notice if say == "NOTICE" else statement.Amend
        return kind(
            activity=Activity[event.activity], volumes=volumes_of(event), start_ms=_ms(day, event.start),
            end_ms=_ms(day, event.end), text=text,
        )  # fmt: skip
    if say == "HAZARD":
        return statement.Hazard(
            hazard=HazardKind[event.hazard], source=HazardSource[event.hazard_source], volumes=volumes_of(event),
            since_ms=_ms(day, event.since), text=text,
        )  # fmt: skip
    if say == "DISTRESS":
        return statement.Distress(
            volumes=volumes_of(event), last_fix_ms=_ms(day, event.last_fix), aboard=event.aboard, text=text
        )
    if say in ("READ", "READ_BACK"):
        end_ms, upper_cm, word = expected if say == "READ_BACK" and expected else (None, None, None)
        return statement.Acknowledgement(step=Step[say], end_ms=end_ms, upper_cm=upper_cm, area=word, text=text)
    simple: dict[str, Body] = {
        "CANCEL": statement.Cancel(text=text),
        "ACTIVATED": statement.Activated(at_ms=at_ms, text=text),
        "ENDED": statement.Ended(at_ms=at_ms, residual=event.residual, text=text),
        "ALL_CLEAR": statement.AllClear(at_ms=at_ms, text=text),
        "CLARIFY": statement.Clarify(doubts=doubts, text=text),
        "ANSWER": statement.Answer(text=text),
        "CEASE_NOW": statement.CeaseNow(volumes=volumes_of(event), at_ms=at_ms, text=text),
        "ACCEPT": statement.Accept(text=text),
    }
    return simple[say]


def kind_of(event: Event) -> Kind:
    """The kind of an event's statement."""
    return Kind.ACKNOWLEDGEMENT if event.say in ("READ", "READ_BACK") else Kind[event.say]


def _ms(day: Day, z: str) -> int | None:
    return day.ms(z) if z else None
