"""The line is open only while our own time comes back."""

from hypothesis import given
from hypothesis import strategies as st

from keepclear.line import liveness
from keepclear.line.liveness import LineState, Liveness


def heard(live: Liveness, *, mono: int, echo: int | None, hold: int = 0, now: int, wall: int = 0) -> None:
    liveness.hear(live, mono, wall, echo, hold, now=(now, now))


def test_open_suspect_dead_by_the_age_of_our_own_echo() -> None:
    live = Liveness()
    heard(live, mono=50, echo=1_000, hold=10, now=1_050)
    assert live.base_ms == 40
    for at, state in (
        (1_050, LineState.OPEN),
        (3_039, LineState.OPEN),
        (3_040, LineState.SUSPECT),
        (5_040, LineState.DEAD),
    ):
        liveness.judge(live, at)
        assert live.state == state, at


def test_a_peer_that_does_not_hear_us_is_not_open_however_much_it_says() -> None:
    live = Liveness()
    for now in range(0, 10_000, 250):
        heard(live, mono=now, echo=None, now=now)
        liveness.judge(live, now)
    assert live.heard_ms == 9_750
    assert live.state == LineState.DEAD


def test_a_repeated_or_future_echo_proves_nothing() -> None:
    live = Liveness()
    heard(live, mono=1, echo=1_000, now=1_020)
    for now in (2_000, 4_000, 6_000):
        heard(live, mono=now, echo=1_000, now=now)
        heard(live, mono=now, echo=now + 500, now=now)
    liveness.judge(live, 6_000)
    assert live.state == LineState.DEAD


def test_what_is_echoed_is_the_newest_heard_and_how_long_ago() -> None:
    live = Liveness()
    assert liveness.echo(live, 5) == (None, 0)
    heard(live, mono=900, echo=None, now=100)
    heard(live, mono=800, echo=None, now=130)  # late on another way
    assert liveness.echo(live, 150) == (900, 50)


ways = st.integers(0, 2_000)


@given(st.integers(-100_000, 100_000), ways, ways, st.integers(0, 5_000), st.integers(0, 10**9))
def test_the_peers_clock_lies_within_the_bounds(offset: int, out: int, back: int, hold: int, sent: int) -> None:
    live = Liveness()
    arrival = sent + out + hold + back
    peer_wall_when_sent = sent + out + hold + offset
    bounds = liveness.hear(live, 1, peer_wall_when_sent, sent, hold, now=(arrival, arrival))
    assert bounds is not None
    low, high = bounds
    assert low <= offset <= high
    assert high - low == out + back
    again = liveness.hear(live, 2, peer_wall_when_sent, sent, hold, now=(arrival + 9, arrival + 9))
    assert again is None, "a time that came back before bounds nothing anew"


def test_patience_is_twice_the_round_trip_within_bounds() -> None:
    live = Liveness()
    assert liveness.patience_ms(live) == 1_020
    heard(live, mono=1, echo=0, now=10)
    assert liveness.patience_ms(live) == 80
