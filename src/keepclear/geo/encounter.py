"""Encounter: when a track or a plan is inside a volume.

Law: conservative candidates first, the exact verdict after; one row for each interval inside.
"""

from dataclasses import dataclass

from keepclear.geo.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Encounters:
    """Intervals inside volumes, one an element, by track, volume, time; times in epoch ms, NEVER_MS if never.

    track: index of the track (of a plan: of the leg it enters on); volume: index of the volume. inside_now: inside
    area, band and window now. enter_ms: first instant inside (now if inside_now), NEVER_MS if the flight comes in only
    when its error is against it. clear_ms: first instant outside after it, NEVER_MS if not within the look-ahead.
    enter_earliest_ms, clear_latest_ms: the same with every error against the flight. distance_out_m: the shortest
    horizontal way out from where the flight is at enter_ms, NaN if the volume has no edge.
    """

    track: IntArray
    volume: IntArray
    inside_now: BoolArray
    enter_ms: IntArray
    clear_ms: IntArray
    enter_earliest_ms: IntArray
    clear_latest_ms: IntArray
    distance_out_m: FloatArray

    def __len__(self) -> int:
        return len(self.track)
