"""What officers say in the simulator: statements of every kind, right, vague, impossible, about whatever is in force.

The law: drawn from the generator that is handed in; no statement here is one that the product would have refused.
"""

from random import Random
from typing import Final

import msgspec

from keepclear.accord import line_test, statement, understanding
from keepclear.accord.shape import (
    GROUND,
    UNKNOWN_VOLUME,
    UNLIMITED,
    Altitude,
    AltRef,
    Volume,
    circle,
    corridor,
    polygon,
)
from keepclear.accord.statement import ALWAYS_FLASH, Body, Kind, Precedence
from keepclear.interop.position import Plan, Position, Waypoint
from keepclear.node.inputs import Plans, Say, Stamp, Tracks
from keepclear.node.node import Node
from keepclear.record import entry as entries
from keepclear.record.entry import Draft, Release
from sim import founding

LON_E7: Final = 354_000_000
LAT_E7: Final = 339_000_000
TEXTS: Final = ("", "as agreed by telephone", "смотрите карту", "הודעה", "two aircraft, then one", "x" * 150)
CITING: Final = {
    Kind.ACTIVATED: (Kind.NOTICE, Kind.AMEND),
    Kind.ENDED: (Kind.NOTICE, Kind.AMEND),
    Kind.ALL_CLEAR: (Kind.HAZARD,),
    Kind.CLARIFY: (Kind.NOTICE, Kind.HAZARD, Kind.AMEND),
    Kind.ANSWER: (Kind.NOTICE, Kind.AMEND),
    Kind.ACKNOWLEDGEMENT: (Kind.NOTICE, Kind.AMEND, Kind.HAZARD, Kind.CEASE_NOW, Kind.DISTRESS),
}
OPENING: Final = (Kind.NOTICE, Kind.NOTICE, Kind.NOTICE, Kind.HAZARD, Kind.HAZARD, Kind.CEASE_NOW, Kind.DISTRESS)
REPLACING: Final = (Kind.AMEND, Kind.AMEND, Kind.CANCEL)
AGREEING: Final = (Kind.UNDERSTANDING, Kind.ACCEPT, Kind.ACCEPT)


def say(draw: Random, node: Node, stamp: Stamp, name: str, seed: bytes) -> Say:
    """Something that an officer of the member `name` releases now."""
    body, replaces, refs = _statement(draw, node, stamp.wall_ms)
    flash = body.kind in ALWAYS_FLASH or draw.random() < 0.1
    precedence = Precedence.FLASH if flash else draw.choice(list(Precedence))
    core = node.core
    draft = Draft(
        body.kind, precedence, replaces, refs, core.genesis.everyone, "duty", stamp.wall_ms, None,
        statement.to_bytes(body),
    )  # fmt: skip
    epoch = node.state.keys.epoch
    root = entries.body_root(seed, draft.body)
    message = entries.release_message(core.genesis.line, epoch, core.me, draft, root)
    seats = draw.choice(((), ("duty",), founding.SEATS))
    releases = tuple(
        Release(key, founding.signing_key(name, seat).sign(message).signature)
        for seat in seats
        if (key := core.genesis.seat_key(core.me, seat)) is not None
    )
    return Say(stamp, draft, epoch, seed, releases)


def volume(draw: Random, wrong: float = 0.25) -> Volume:
    """A volume, one in four with something wrong with its area."""
    lon, lat, step = (
        LON_E7 + draw.randint(-9, 9) * 10**6,
        LAT_E7 + draw.randint(-9, 9) * 10**6,
        draw.randint(1, 30) * 10**5,
    )
    ring = [(lon, lat), (lon + step, lat), (lon + step, lat + step), (lon, lat + step)]
    sound = (circle(lon, lat, draw.randint(1, 40) * 100_000), polygon(ring), corridor(ring[:3], 500_000))
    broken = (
        (0,), (), polygon([ring[0], ring[2], ring[1], ring[3]]), polygon(ring[:2]), circle(lon, lat, 0),
        circle(lon, 950_000_000, 100_000), circle(2**52, -(2**52), 2**52), (9, 1, 2), (1, 2, 3, 4),
        polygon([(0, 850_000_000), (1_200_000_000, 850_000_000), (-1_200_000_000, 850_000_000)]),
    )  # fmt: skip
    area = draw.choice(broken if draw.random() < wrong else sound)
    limits = draw.choice(
        ((None, None), (GROUND, UNLIMITED), (Altitude(0, AltRef.AMSL), Altitude(304_800, AltRef.STD, 3_000)),
         (Altitude(500_000, AltRef.AMSL), Altitude(100_000, AltRef.AMSL)), (GROUND, Altitude(2**52, 77, -5)))
    )  # fmt: skip
    return Volume(area, draw.choice((0, 10_000, -7)), *limits)


def tracks(draw: Random, stamp: Stamp, count: int) -> Tracks:
    """A batch of positions of own flights."""
    return Tracks(stamp, msgspec.msgpack.encode([_position(draw, stamp.wall_ms, i) for i in range(count)]))


def plans(draw: Random, stamp: Stamp) -> Plans:
    """An own flight's plan through the area where everything happens, or its withdrawal."""
    points = tuple(
        Waypoint(
            lat_e7=LAT_E7 + draw.randint(-10, 10) * 10**6, lon_e7=LON_E7 + draw.randint(-10, 10) * 10**6,
            alt_cm=draw.choice((None, 300_000)), alt_ref=AltRef.STD, at_ms=stamp.wall_ms + 300_000 * i,
        )
        for i in range(draw.choice((0, 2, 4)))
    )  # fmt: skip
    plan = Plan(flight=f"OWN{draw.randint(0, 3)}", waypoints=points, tolerance_cm=100_000, tolerance_ms=60_000)
    return Plans(stamp, msgspec.msgpack.encode([plan]))


def _position(draw: Random, wall_ms: int, number: int) -> Position:
    return Position(
        source="sim", flight=f"OWN{number}", icao24=f"{number:06x}", lat_e7=LAT_E7 + draw.randint(-10, 10) * 10**6,
        lon_e7=LON_E7 + draw.randint(-10, 10) * 10**6, alt_cm=draw.choice((None, 300_000, 900_000)),
        alt_ref=AltRef.STD, alt_err_cm=3_810, pos_err_cm=18_520, speed_cmps=draw.choice((None, 0, 20_000)),
        track_cdeg=draw.randint(0, 35_999), climb_cmps=0, at_ms=wall_ms - draw.randint(0, 2_000), velocity_age_ms=0,
    )  # fmt: skip


def _of_people(draw: Random, node: Node) -> tuple[Body, bytes | None, tuple[bytes, ...]]:
    """A line test, an answer to one (right or wrong), or a word on the channel."""
    tests = [one for one in node.state.facts.tests.values() if one.party != node.core.me]
    if tests and draw.random() < 0.5:
        test = draw.choice(tests)
        words = line_test.words(test.nonce) if draw.random() < 0.7 else draw.choice(TEXTS)[:60]
        return statement.LineReply(words=words), None, (test.leaf,)
    if draw.random() < 0.7:
        return statement.LineTest(nonce=draw.randbytes(8)), None, ()
    return statement.ChannelState(state=draw.choice((1, 2, 2, 7))), None, ()


def _statement(draw: Random, node: Node, now_ms: int) -> tuple[Body, bytes | None, tuple[bytes, ...]]:
    """A body, what it replaces, what it refers to."""
    matters = node.state.situation.matters
    mine = node.core.me
    group = draw.random()
    if group < 0.35 or not matters:
        return _opening(draw, draw.choice(OPENING), now_ms), None, ()
    if group < 0.5:
        own = [leaf for leaf, m in matters.items() if m.party == mine and m.kind in (Kind.NOTICE, Kind.AMEND)]
        twice = [m for m in matters.values() if m.party == mine and len(m.successors) > 1]
        if twice and draw.random() < 0.5:
            one, other = draw.sample(draw.choice(twice).successors, 2)
            return _opening(draw, Kind.AMEND, now_ms), one, (other,)
        if own:
            body = _opening(draw, Kind.AMEND, now_ms) if draw.random() < 0.7 else statement.Cancel(text="not needed")
            return body, draw.choice(own), ()
    if group < 0.52:
        return _agreeing(draw, node, now_ms)
    if group < 0.55:
        return _of_people(draw, node)
    kind = draw.choice(list(CITING))
    about_own = kind not in (Kind.CLARIFY, Kind.ACKNOWLEDGEMENT)
    found = [leaf for leaf, m in matters.items() if m.kind in CITING[kind] and (m.party == mine) == about_own]
    if kind == Kind.ANSWER:  # to a notice, or to what was asked about one
        found += [leaf for leaf, entry in node.books.by_leaf.items() if entry.header.kind == Kind.CLARIFY]
    if not found:
        return _opening(draw, draw.choice(OPENING), now_ms), None, ()
    refs = (draw.choice(found), *([draw.choice(found)] if draw.random() < 0.2 else []))
    return _citing(draw, kind, now_ms), None, refs


def _agreeing(draw: Random, node: Node, now_ms: int) -> tuple[Body, bytes | None, tuple[bytes, ...]]:
    proposed = [
        leaf for leaf in node.state.situation.agreements if node.books.by_leaf[leaf].header.kind == Kind.UNDERSTANDING
    ]
    if proposed and draw.random() < 0.7:
        return statement.Accept(), None, (draw.choice(proposed[-3:]),)
    rules = understanding.to_wire(understanding.standard_rules())
    body = statement.Understanding(
        name="sim", version=len(proposed), effective_ms=now_ms, rules=(*rules, ("X", "new", (), ""))
    )
    return body, None, ()


def _opening(draw: Random, kind: Kind, now_ms: int) -> Body:
    volumes = tuple(volume(draw) for _ in range(draw.choice((0, 1, 1, 1, 2)))) or (UNKNOWN_VOLUME,) * draw.randint(0, 1)
    start = draw.choice((None, now_ms + draw.randint(-60, 7_200) * 1_000))
    end = draw.choice((None, now_ms + draw.randint(-60, 14_400) * 1_000))
    text = draw.choice(TEXTS)
    match kind:
        case Kind.HAZARD:
            return statement.Hazard(
                hazard=draw.randint(1, 8), source=draw.randint(0, 2), volumes=volumes, since_ms=start, text=text
            )
        case Kind.CEASE_NOW:
            return statement.CeaseNow(volumes=volumes, at_ms=now_ms, text=text)
        case Kind.DISTRESS:
            return statement.Distress(volumes=volumes, last_fix_ms=start, aboard=draw.choice((None, 15)), text=text)
    notice = statement.Notice if kind == Kind.NOTICE else statement.Amend
    return notice(activity=draw.randint(1, 9), volumes=volumes, start_ms=start, end_ms=end, text=text)


def _citing(draw: Random, kind: Kind, now_ms: int) -> Body:
    match kind:
        case Kind.ACTIVATED:
            return statement.Activated(at_ms=now_ms)
        case Kind.ENDED:
            return statement.Ended(at_ms=now_ms, residual=draw.random() < 0.5)
        case Kind.ALL_CLEAR:
            return statement.AllClear(at_ms=now_ms)
        case Kind.CLARIFY:
            return statement.Clarify(doubts=draw.randint(0, 15))
        case Kind.ANSWER:
            return statement.Answer(volumes=(volume(draw),), start_ms=now_ms, end_ms=None)
    return statement.Acknowledgement(step=draw.choice((1, 2)), end_ms=now_ms, area=draw.choice((None, "anchor")))
