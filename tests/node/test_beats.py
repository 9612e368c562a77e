"""Heartbeats: never farther apart than agreed, whatever else is sent, and closer while it is in doubt who is heard."""

from itertools import pairwise

import pytest

from sim import quiet
from sim.quiet import Hour
from sim.world import CALM, Member

BEAT_MS = 250


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """When each member sent a frame."""
    out: list[tuple[int, int]] = []
    send = Member.send

    def noted(self: Member, peer: int, frame: bytes, flash: bool, path: str) -> None:
        out.append((self.index, self.world.now))
        send(self, peer, frame, flash, path)

    monkeypatch.setattr(Member, "send", noted)
    return out


def gaps(sent: list[tuple[int, int]], member: int, from_ms: int, until_ms: int) -> list[int]:
    times = [at for index, at in sent if index == member and from_ms <= at < until_ms]
    return [later - earlier for earlier, later in pairwise(times)]


def test_what_is_said_between_two_beats_makes_no_gap_longer(
    sent: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quiet, "SAID_AN_HOUR", 600)
    hour = Hour(7, "near")
    hour.world.weather = CALM
    hour.go(170_000)
    assert len(hour.world.members[0].node.state.situation.matters) > 20
    for member in (0, 1):
        assert max(gaps(sent, member, 5_000, 170_000)) <= BEAT_MS


def test_an_end_that_is_not_heard_and_its_peer_beat_faster_until_both_are_heard(sent: list[tuple[int, int]]) -> None:
    hour = Hour(8, "near")
    world = hour.world
    world.weather = CALM
    world.after(20_000, lambda: world.cut.add((1, 0)))
    world.after(21_700, world.cut.clear)
    world.start_all()
    world.run(30_000)
    for member in (0, 1):
        assert max(gaps(sent, member, 21_500, 22_500)) <= 60
        assert min(gaps(sent, member, 24_000, 29_000)) >= BEAT_MS * 3 // 4
    assert list(hour.told()) == []
