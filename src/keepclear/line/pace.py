"""How often a session says its handshake again, and what silence means, by class of path.

The law: both ends of a path are of one class. On IP all goes out at once; on a slow radio what goes out is paced by a
rate and short, and what is lost goes again piece by piece (line/air.py).
"""

from dataclasses import dataclass
from typing import Final

from keepclear.line import part

RADIO_DATAGRAM: Final = 300  # a quarter of a second at 9 600 bit/s, with the headers of IP
RADIO_AGE_MS: Final = 600_000  # the largest entry takes minutes


@dataclass(frozen=True)
class Pace:
    """How often the handshake is said again, and what silence means. The values are for IP with heartbeats of 250 ms.

    A peer heard within `alive_ms` has not begun anew; after `silent_ms` we begin anew ourselves. A slow path has a
    rate in bits a second, short datagrams, and keeps pieces for longer.
    """

    resend_ms: int = 200
    resend_max_ms: int = 2_000
    alive_ms: int = 600
    silent_ms: int = 5_000
    rate_bps: int = 0
    datagram_bytes: int = part.MAX_DATAGRAM
    age_ms: int = part.MAX_AGE_MS


def radio(rate_bps: int) -> Pace:
    """The pace for a slow radio with heartbeats of a second: a HELLO alone takes 1.4 s of air at 9 600 bit/s."""
    return Pace(300, 6_000, 4_000, 20_000, rate_bps, RADIO_DATAGRAM, RADIO_AGE_MS)
