"""`keepclear say --dry-run`: what a statement would say, how the rules in force read it, and what it gives away.

The law: nothing is said. The rules and the statements that are cited come from the record as the node holds it now, so
the reading is the one that both sides will make; the time of saying is now, without the clock's error.
"""

import math
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from keepclear.accord import channel, check, figures, form, geometry, phrases, understanding
from keepclear.accord.outcome import Finding, Mark
from keepclear.accord.said import Said
from keepclear.accord.shape import Volume
from keepclear.accord.statement import Body, Hazard, Notice, Precedence
from keepclear.accord.times import span, zulu
from keepclear.geo import outline
from keepclear.geo import volume as geo
from keepclear.geo.earth import E2, EQUATOR_M, MEAN_M
from keepclear.geo.units import FloatArray
from keepclear.host.cli_node import Desk
from keepclear.node import situation
from keepclear.record import archive, entry

CHUNK_BYTES: Final = 1_048_576
MAX_ENTRY_BYTES: Final = 262_144
M2_PER_KM2: Final = 1_000_000


def preview(
    desk: Desk, body: Body, precedence: int, replaces: bytes | None, refs: tuple[bytes, ...], *, as_is: bool = False
) -> str:
    """The words that all members would read, and what they would learn. Raises Refused as saying it would."""
    form.check_form(body, precedence, replaces, refs, desk.seats[0], desk.now_ms, None, as_is)
    history = _history(desk)
    said = _said(desk, history, body, precedence, replaces, refs)
    agreed = understanding.in_force(history.values(), frozenset(desk.identity.genesis.parties()))
    findings = check.check(said, understanding.rules_for(agreed, said), history.get(replaces or b""))
    unusable = geometry.unusable(geometry.geometry_faults(situation.volumes_of(said)))
    suspended = (Mark.SUSPENDED,) if channel.is_marked(said, _of_parties(desk, history)) else ()
    marks = (*check.marks(said, findings, unusable), *suspended)
    text = phrases.render(said, desk.names, history, marks, findings)
    return "\n".join([text, "", _rules_in_force(agreed, desk.now_ms, findings), *gives_away(desk, body)])


def gives_away(desk: Desk, body: Body) -> list[str]:
    """What the other members learn from a statement, in lines: to whom it goes, how much area, which window, who."""
    others = [figures.clean(name) for number, name in enumerate(desk.names) if number != desk.identity.member]
    lines = [f"would go to: {', '.join(others)}, who keep it"]
    volumes: tuple[Volume, ...] | None = getattr(body, "volumes", None)
    if volumes is not None:
        lines.append(f"gives away: {_extent(volumes)}; {_window(body)}")
    return [*lines, "nothing was said"]


def area_km2(volume: Volume) -> float | None:
    """Square kilometres of a volume's area, to about 1 %; None where it has no bounds.

    The outline's straight pieces in the equal-area cylindrical projection of the ellipsoid (Snyder 1987, eq. 10-13 to
    10-15) and the shoelace formula; a circle as a cap of the sphere.
    """
    shape = geo.widest_reading(geometry.to_geo(volume, None, None)).shape
    if isinstance(shape, geo.Everywhere):
        return None
    if isinstance(shape, geo.Circle):
        return 4 * math.pi * (MEAN_M * math.sin(shape.radius_m / 2 / MEAN_M)) ** 2 / M2_PER_KM2
    ax, ay, bx, by = outline.outline_of(shape).pieces
    twice = np.radians(ax) * _northing(by) - np.radians(bx) * _northing(ay)
    return abs(float(twice.sum())) / 2 * EQUATOR_M / M2_PER_KM2


def _northing(lat_deg: FloatArray) -> FloatArray:
    sine, e = np.sin(np.radians(lat_deg)), math.sqrt(E2)
    northing: FloatArray = EQUATOR_M / 2 * (1 - E2) * (sine / (1 - E2 * sine**2) + np.arctanh(e * sine) / e)
    return northing


def _extent(volumes: tuple[Volume, ...]) -> str:
    areas = [area_km2(volume) for volume in volumes]
    known = [one for one in areas if one is not None]
    if len(known) < len(areas) or not areas:
        return "no bounded area: all of the understanding's area is to be read as affected"
    count = "1 volume" if len(areas) == 1 else f"{len(areas)} volumes"
    return f"{count} of about {sum(known):.0f} km² in all"


def _window(body: Body) -> str:
    if isinstance(body, Hazard):
        return "until an all-clear"
    start_ms, end_ms = getattr(body, "start_ms", None), getattr(body, "end_ms", None)
    if start_ms is None or end_ms is None:
        return "no window with both ends" if isinstance(body, Notice) else "no window"
    return f"{span(end_ms - start_ms)} from {zulu(start_ms)}"


def _rules_in_force(agreed: tuple[understanding.InForce, ...], now_ms: int, findings: tuple[Finding, ...]) -> str:
    valid = [one for one in agreed if one.since_ms <= now_ms]
    if not valid:
        return "rules: no understanding is in force, so nothing is checked"
    judged = ", ".join(f"{one.rule} {one.outcome}" for one in findings) or "none speaks of this"
    return f"rules: “{figures.clean(valid[-1].name)}”, version {valid[-1].version}: {judged}"


def _said(
    desk: Desk, history: dict[bytes, Said], body: Body, precedence: int, replaces: bytes | None, refs: tuple[bytes, ...]
) -> Said:
    """The statement as if it had been said now, as the next entry of our newest incarnation."""
    own = [one for one in history.values() if one.party == desk.identity.member]
    last = max(own, key=lambda one: (one.start, one.seq), default=None)
    return Said(
        leaf=bytes(32), party=desk.identity.member, start=last.start if last else 0, incarnation=b"",
        seq=last.seq + 1 if last else 0, wall_ms=desk.now_ms, wall_err_ms=0, precedence=Precedence(precedence),
        kind=body.kind, replaces=replaces, refs=refs, seat=desk.seats[0],
        releases=len(desk.seats), body=body,
    )  # fmt: skip


def _of_parties(desk: Desk, history: dict[bytes, Said]) -> list[Said]:
    parties = desk.identity.genesis.parties()
    return [one for one in history.values() if one.party in parties]


def _history(desk: Desk) -> dict[bytes, Said]:
    """All that has been said on the line, by hash, as the node holds it."""
    with tempfile.TemporaryDirectory(dir=desk.directory) as private:
        path = Path(private).resolve() / "now.record"
        desk.client.ask("record", path=str(path))
        with path.open("rb") as file:
            items = archive.read(iter(lambda: file.read(CHUNK_BYTES), b""))
            read = [entry.read(item.data, MAX_ENTRY_BYTES) for item in items if item.kind == archive.ItemKind.ENTRY]
    return {one.leaf: situation.said_of(one) for one in read}
