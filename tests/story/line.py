"""Two parties and an observer in a calm seeded world, and the few verbs that stories are told with."""

from collections.abc import Mapping
from typing import Any

import msgspec

from keepclear.accord import people, statement
from keepclear.accord.shape import UNKNOWN_VOLUME, Volume
from keepclear.accord.statement import Activity, Body, Precedence
from keepclear.interop.position import Position
from keepclear.node.effects import Show
from keepclear.node.inputs import Say, Settings, Tracks
from keepclear.node.state import Matter
from keepclear.record import checkpoint
from keepclear.record import entry as entries
from keepclear.record.entry import Draft, Release
from sim import founding
from sim.world import CALM, START_WALL_MS, Member, Weather, World

A, B, OBSERVER = 0, 1, 2
MINUTE = 60_000


class Line:
    """A line that is up, and its officers."""

    def __init__(
        self,
        seed: int = 1,
        settings: Settings | None = None,
        paths: tuple[str, ...] = ("udp",),
        weather: Weather = CALM,
        names: tuple[str, ...] = founding.NAMES,
        hostile: Mapping[int, type[Member]] | None = None,
    ) -> None:
        genesis = founding.found(names)
        keys = [founding.node_keys(name) for name in genesis.names]
        self.world = World(seed, genesis, keys, settings, paths, hostile)
        self.world.weather = weather
        self.world.start_all()
        self.run(2_000)

    @property
    def wall_ms(self) -> int:
        return START_WALL_MS + self.world.now

    def member(self, index: int) -> Member:
        return self.world.members[index]

    def run(self, ms: int) -> None:
        self.world.run(self.world.now + ms)

    def say(
        self, who: int, body: Body, precedence: Precedence = Precedence.FLASH, refs: tuple[bytes, ...] = (),
        replaces: bytes | None = None, seats: tuple[str, ...] = ("duty",),
    ) -> bytes:  # fmt: skip
        """An officer releases a statement; the leaf of its entry."""
        member = self.member(who)
        core = member.node.core
        draft = Draft(
            body.kind, precedence, replaces, refs, core.genesis.everyone, "duty", self.wall_ms, None,
            statement.to_bytes(body),
        )  # fmt: skip
        seed, epoch = self.world.fresh(32), core.state.keys.epoch
        root = entries.body_root(seed, draft.body)
        message = entries.release_message(core.genesis.line, epoch, core.me, draft, root)
        releases = []
        for seat in seats:
            key = core.keys.seat_place(core.me, epoch, seat.split(".")[0])
            assert key is not None
            releases.append(Release(key, founding.signing_key(core.name(core.me), seat).sign(message).signature))
        member.take(Say(member.stamp(), draft, epoch, seed, tuple(releases)))
        said = [s for _, s in member.log.shown if s.what == "said" and s.facts[0] == seed]
        assert said, [s.text for _, s in member.log.shown if s.what == "refused"]
        assert said[0].leaf is not None
        return said[0].leaf

    def shown(self, who: int, what: str, leaf: bytes | None = None) -> list[Show]:
        return [s for _, s in self.member(who).log.shown if s.what == what and leaf in (None, s.leaf)]

    def alarms(self, who: int, what: str) -> list[str]:
        return [a.text for _, a in self.member(who).log.alarms if a.what == what]

    def matter(self, who: int, leaf: bytes) -> Matter:
        return self.member(who).node.state.situation.matters[leaf]

    def see(
        self, who: int, flight: str, lat: float, lon: float, speed_mps: float, course_deg: float, **more: Any
    ) -> None:
        """The member's own track source reports a flight."""
        values: dict[str, Any] = {
            "source": "radar", "icao24": "", "alt_cm": 600_000, "alt_ref": 2, "alt_err_cm": 3_000,
            "pos_err_cm": 10_000, "climb_cmps": 0, "at_ms": self.wall_ms, **more,
        }  # fmt: skip
        position = Position(
            flight=flight, lat_e7=round(lat * 1e7), lon_e7=round(lon * 1e7), speed_cmps=round(speed_mps * 100),
            track_cdeg=round(course_deg * 100), **values,
        )  # fmt: skip
        member = self.member(who)
        member.take(Tracks(member.stamp(), msgspec.msgpack.encode((position,))))

    def joint(self) -> set[str]:
        """The joint checkpoints of all who are up: one, if they hold the same record."""
        line = self.world.genesis.line
        return {checkpoint.joint(line, m.node.books.all()).hex() for m in self.world.members if m.is_up}


def notice(
    start_ms: int | None, end_ms: int | None = None, area: str = "circle 34.0,35.5 10nm", **more: Any
) -> statement.Notice:
    """A NOTICE of hazardous activity from the ground to 10 000 m."""
    volume = Volume(people.parse_area(area), 10_000, people.parse_altitude("GND"), people.parse_altitude("10000m"))
    volumes = (UNKNOWN_VOLUME,) if area == "unknown" else (volume,)
    values: dict[str, Any] = {"activity": Activity.HAZARDOUS, "volumes": volumes, "text": "keep clear", **more}
    return statement.Notice(start_ms=start_ms, end_ms=end_ms, **values)


def hazard(since_ms: int, area: str = "circle 34.0,35.5 10nm") -> statement.Hazard:
    """A HAZARD of a third party, at all altitudes."""
    volume = Volume(people.parse_area(area), 10_000, people.parse_altitude("GND"), people.parse_altitude("UNL"))
    return statement.Hazard(
        hazard=statement.HazardKind.AIR_DEFENCE_ACTIVITY, source=statement.HazardSource.THIRD_PARTY, volumes=(volume,),
        since_ms=since_ms,
    )  # fmt: skip
