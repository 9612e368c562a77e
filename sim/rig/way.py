"""One way of a link: what becomes of the nth datagram that is put on it, decided by the seed and by n.

The law: pure; time comes in and times come out, in ms. A datagram waits for the rate, then is lost or not, delayed,
and perhaps doubled; what is lost has used the rate all the same, as on a radio. Every datagram takes the same number
of draws, so that its luck does not depend on what became of those before it, or on the weather.
"""

from random import Random
from typing import Final

import msgspec

LARGE_BYTES: Final = 200  # an entry's packet has more than twice as many, a heartbeat's or a word on holdings fewer
LATE_MS: Final = 100.0  # by how much a datagram that is put out of sequence comes after its time, at most


class Weather(msgspec.Struct, frozen=True):
    """What a way does. Chances are of one datagram; jitter is added, from 0 to so many ms, and may put out of sequence.

    `rate_bps` counts the IP packet's bits, 0 is no limit; what would wait longer than `queue_ms` is dropped.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    rate_bps: int = 0
    queue_ms: float = 5_000.0
    cut: bool = False


class Counts(msgspec.Struct):
    """What has been put on a way since it was made, and what became of it. `large` are those with entries or notes."""

    datagrams: int = 0
    large: int = 0
    octets: int = 0
    lost: int = 0
    dropped: int = 0
    doubled: int = 0


class Way:
    """From one node to another."""

    def __init__(self, name: str, seed: str, weather: Weather) -> None:
        self.weather = weather
        self.counts = Counts()
        self._draw = Random(f"{seed} {name}")
        self._free_ms = 0.0  # when the last one that waits for the rate will have been sent

    def put(self, now_ms: float, octets: int) -> list[float]:
        """When a datagram of so many bytes comes out: no time when it is lost, two when it is doubled."""
        weather, counts = self.weather, self.counts
        lost, doubled, late, *jitters = (self._draw.random() for _ in range(5))
        counts.datagrams += 1
        counts.large += octets > LARGE_BYTES
        counts.octets += octets
        sent_ms = now_ms
        if weather.rate_bps:
            begins_ms = max(now_ms, self._free_ms)
            if begins_ms - now_ms > weather.queue_ms:
                counts.dropped += 1
                return []
            sent_ms = self._free_ms = begins_ms + 8_000 * octets / weather.rate_bps
        if weather.cut or lost < weather.loss:
            counts.lost += 1
            return []
        if late < weather.reorder:
            sent_ms += LATE_MS * late / weather.reorder
        copies = 1 + (doubled < weather.duplicate)
        counts.doubled += copies - 1
        return [sent_ms + weather.delay_ms + weather.jitter_ms * jitter for jitter in jitters[:copies]]
