"""Nodes that have attached files from each other over a path that loses, without a clock and without a socket."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keepclear.accord import attached
from keepclear.host.blobs import BlobError, Blobs
from keepclear.host.fetcher import RETRY_MS, SILENT_MS, WRITE_BYTES, Fetcher, Way
from keepclear.host.shelf import IDLE_MS, PIECES_BURST, PIECES_PER_SECOND
from keepclear.line import blob
from keepclear.line.blob import Ask, Lacking, Piece
from keepclear.node.named import Whereabouts

DATA = random.Random(3).randbytes(300_000)
DIGEST = attached.digest(DATA)
ALFA, BRAVO, WITNESS = range(3)
TRIP_MS = 50


class Member:
    """One member: its directory, its fetcher, what its node was told."""

    def __init__(self, world: "World", own: int, home: Path) -> None:
        self.world, self.own, self.blobs = world, own, Blobs(home)
        self.told: list[tuple[bytes, int, Whereabouts]] = []
        self.lies: Callable[[bytes], bytes] = lambda data: data
        self.restart()

    def restart(self) -> None:
        self.session = self.world.fresh()
        others = frozenset(set(self.world.all) - {self.own})
        self.fetcher = Fetcher(self.blobs, others, self._send, self._ways, self._told, lambda _d, _s: True, _at_once)

    def _send(self, peer: int, message: bytes) -> None:
        found = blob.read(message)
        if isinstance(found, Piece):
            message = blob.to_bytes(Piece(found.digest, found.place, self.lies(found.data)))
        self.world.carry(self.own, peer, message)

    def _ways(self) -> dict[int, Way]:
        world = self.world
        return {
            peer: Way(min(self.session, other.session) + max(self.session, other.session), world.busy, world.radio)
            for peer, other in world.members.items()
            if peer != self.own and peer not in world.gone and self.own not in world.gone
        }

    def _told(self, digest: bytes, size: int, where: Whereabouts) -> None:
        self.told.append((digest, size, where))

    @property
    def where(self) -> list[Whereabouts]:
        return [where for _, _, where in self.told]


def _at_once(do: Callable[[], Any], done: Callable[[Any], None]) -> None:
    try:
        came = do()
    except BlobError as error:
        came = error
    done(came)


class World:
    """Members with a path between each two; every message that went is remembered."""

    def __init__(self, home: Path, loss: float = 0.0, members: int = 3, seed: int = 0) -> None:
        self.all = range(members)
        self.chance, self.loss = random.Random(seed), loss
        self.busy = self.radio = False
        self.gone: set[int] = set()
        self.now_ms = 0
        self.sent: list[tuple[int, int, int, Any]] = []
        self._under_way: list[tuple[int, int, int, bytes]] = []
        self.members: dict[int, Member] = {}
        for own in self.all:
            self.members[own] = Member(self, own, home / str(own))

    def fresh(self) -> bytes:
        return self.chance.randbytes(8)

    def carry(self, sender: int, to: int, message: bytes) -> None:
        self.sent.append((self.now_ms, sender, to, blob.read(message)))
        if self.chance.random() >= self.loss:
            self._under_way.append((self.now_ms + TRIP_MS // 2, sender, to, message))

    def run(self, ms: int, until: Callable[[], bool] = lambda: False) -> None:
        end_ms = self.now_ms + ms
        while self.now_ms < end_ms and not until():
            self.now_ms += 5
            for item in [item for item in self._under_way if item[0] <= self.now_ms]:
                self._under_way.remove(item)
                _, sender, to, message = item
                if not {sender, to} & self.gone:
                    self.members[to].fetcher.hear(sender, message, self.now_ms)
            if self.now_ms % 100 == 0:
                for member in self.members.values():
                    if member.own not in self.gone:
                        member.fetcher.tick(self.now_ms)

    def asked(self, sender: int) -> list[tuple[int, int, int]]:
        """When a member asked whom for which places."""
        return [
            (at, to, place) for at, by, to, m in self.sent if by == sender and isinstance(m, Ask) for place in m.places
        ]


def held(world: World, *members: int) -> None:
    for member in members:
        world.members[member].blobs.add(DATA)


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_a_file_comes_whole_from_its_author(tmp_path: Path, loss: float) -> None:
    world = World(tmp_path, loss)
    held(world, ALFA)
    bravo = world.members[BRAVO]
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(120_000, lambda: bool(bravo.told))
    assert bravo.where == [Whereabouts.HERE]
    assert bravo.blobs.read(DIGEST) == DATA
    assert (bravo.fetcher.counts.fetched, bravo.fetcher.counts.wrong) == (1, 0)


def test_what_is_on_the_disk_already_is_not_asked_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    held(world, BRAVO)
    world.members[BRAVO].fetcher.want(DIGEST, len(DATA), 3)
    world.run(1_000)
    assert world.members[BRAVO].where == [Whereabouts.HERE]
    assert not world.sent


@pytest.mark.parametrize("clean", [True, False])
def test_a_restart_goes_on_with_what_was_there(tmp_path: Path, clean: bool) -> None:
    world = World(tmp_path, loss=0.2)
    held(world, ALFA)
    bravo = world.members[BRAVO]
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(120_000, lambda: bravo.fetcher.progress(DIGEST, len(DATA))[0] > 150_000)
    had = bravo.fetcher.progress(DIGEST, len(DATA))[0]
    if clean:
        bravo.fetcher.end()
    bravo.restart()
    world.sent.clear()
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(120_000, lambda: bool(bravo.told))
    assert bravo.blobs.read(DIGEST) == DATA
    least = had if clean else had - WRITE_BYTES
    assert min(place for _, _, place in world.asked(BRAVO)) >= least


def test_another_holder_is_asked_when_one_goes_away_and_what_came_is_kept(tmp_path: Path) -> None:
    world = World(tmp_path)
    held(world, ALFA, WITNESS)
    bravo = world.members[BRAVO]
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(60_000, lambda: bravo.fetcher.progress(DIGEST, len(DATA))[0] > 100_000)
    asked = {to for _, to, _ in world.asked(BRAVO)}
    assert len(asked) == 1
    world.gone |= asked
    world.sent.clear()
    world.run(60_000, lambda: bool(bravo.told))
    assert bravo.blobs.read(DIGEST) == DATA
    assert min(place for _, _, place in world.asked(BRAVO)) > 90_000


def test_one_that_has_it_not_says_so_and_another_is_asked(tmp_path: Path) -> None:
    world = World(tmp_path)
    held(world, WITNESS)
    bravo = world.members[BRAVO]
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(60_000, lambda: bool(bravo.told))
    assert any(isinstance(m, Lacking) and by == ALFA for _, by, _, m in world.sent)
    assert bravo.where == [Whereabouts.HERE]


def test_wrong_bytes_are_dropped_and_counted_and_another_holder_is_asked(tmp_path: Path) -> None:
    world = World(tmp_path)
    held(world, ALFA, WITNESS)
    world.members[ALFA].lies = lambda data: bytes(len(data))
    bravo = world.members[BRAVO]
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(120_000, lambda: bool(bravo.told))
    assert bravo.where == [Whereabouts.HERE]
    assert bravo.blobs.read(DIGEST) == DATA
    assert bravo.fetcher.counts.wrong == 1
    before = len(world.asked(BRAVO))
    world.run(2 * RETRY_MS)
    assert len(world.asked(BRAVO)) == before


def test_where_a_liar_gave_a_part_one_holder_has_to_give_all(tmp_path: Path) -> None:
    """The liar gives half, an honest one the rest: nobody can tell whose half is wrong, and nobody is blamed."""
    world = World(tmp_path)
    held(world, ALFA, WITNESS)
    world.members[ALFA].lies = lambda data: bytes(len(data))
    bravo = world.members[BRAVO]
    world.gone.add(WITNESS)
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(60_000, lambda: bravo.fetcher.progress(DIGEST, len(DATA))[0] > 100_000)
    world.gone = {ALFA}
    world.run(120_000, lambda: bravo.fetcher.counts.wrong == 1)
    world.gone = {WITNESS}
    world.run(60_000, lambda: bravo.fetcher.progress(DIGEST, len(DATA))[0] > 100_000)
    world.gone = {ALFA}
    world.run(120_000, lambda: bool(bravo.told))
    assert bravo.where == [Whereabouts.HERE]
    assert bravo.fetcher.counts.wrong == 1, "the liar's second half was not gone on with"
    assert bravo.blobs.read(DIGEST) == DATA


def test_what_nobody_has_is_told_once_and_asked_for_again_and_comes_when_somebody_has_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    bravo = world.members[BRAVO]
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(3 * RETRY_MS)
    assert bravo.where == [Whereabouts.NOWHERE]
    assert 4 <= len(world.asked(BRAVO)) <= 64, "every half minute, of each, and no more"
    held(world, WITNESS)
    world.run(2 * RETRY_MS, lambda: Whereabouts.HERE in bravo.where)
    assert bravo.where == [Whereabouts.NOWHERE, Whereabouts.AWAY, Whereabouts.HERE]
    assert bravo.blobs.read(DIGEST) == DATA


def test_one_that_is_silent_is_left_after_a_while(tmp_path: Path) -> None:
    world = World(tmp_path, members=2)
    held(world, ALFA)
    bravo = world.members[BRAVO]
    world.loss = 1.0
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(SILENT_MS + 5_000)
    asked = len(world.asked(BRAVO))
    world.run(RETRY_MS - 10_000)
    assert len(world.asked(BRAVO)) == asked
    world.loss = 0.0
    world.run(60_000, lambda: bool(bravo.told))
    assert bravo.where == [Whereabouts.HERE]


def test_nothing_is_asked_for_or_given_while_entries_wait(tmp_path: Path) -> None:
    world = World(tmp_path)
    held(world, ALFA)
    bravo = world.members[BRAVO]
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(500)
    world.busy = True
    world.run(200)
    world.sent.clear()
    world.run(SILENT_MS + RETRY_MS)
    world.members[ALFA].fetcher.hear(BRAVO, blob.to_bytes(Ask(DIGEST, 1_024, (0,))), world.now_ms)
    assert not world.sent
    assert 0 < bravo.fetcher.progress(DIGEST, len(DATA))[0] < len(DATA)
    world.busy = False
    world.run(60_000, lambda: bool(bravo.told))
    assert bravo.where == [Whereabouts.HERE]


def test_by_a_slow_radio_only_what_an_officer_asks_for(tmp_path: Path) -> None:
    world = World(tmp_path)
    data = DATA[:2_000]
    world.members[ALFA].blobs.add(data)
    world.radio = True
    bravo, digest = world.members[BRAVO], attached.digest(data)
    bravo.fetcher.want(digest, len(data), 3)
    world.run(60_000)
    assert not world.sent
    assert bravo.fetcher.progress(digest, len(data)) == (0, "by radio only when asked for")
    bravo.fetcher.want(digest, len(data), 3, by_hand=True)
    world.run(120_000, lambda: bool(bravo.told))
    assert bravo.blobs.read(digest) == data
    assert all(len(m.data) <= blob.RADIO_PIECE_BYTES for *_, m in world.sent if isinstance(m, Piece))


def test_one_file_at_a_time_from_a_peer_and_the_more_urgent_first(tmp_path: Path) -> None:
    world = World(tmp_path, members=2)
    files = [DATA[i * 50_000 : (i + 1) * 50_000] for i in range(3)]
    for data in files:
        world.members[ALFA].blobs.add(data)
    bravo = world.members[BRAVO]
    for data, precedence in zip(files, (4, 3, 1), strict=True):
        bravo.fetcher.want(attached.digest(data), len(data), precedence)
    world.run(60_000, lambda: len(bravo.told) == 3)
    assert [digest for digest, _, _ in bravo.told] == [attached.digest(files[i]) for i in (2, 1, 0)]


def test_who_asks_for_ever_more_is_given_so_much_and_costs_few_looks_at_the_disk(tmp_path: Path) -> None:
    world = World(tmp_path, members=2)
    held(world, ALFA)
    alfa, read = world.members[ALFA], 0

    def counted(digest: bytes) -> bytes | None:
        nonlocal read
        read += 1
        return Blobs(tmp_path / "0").read(digest)

    alfa.blobs.read = counted  # type: ignore[method-assign]
    for now_ms in range(0, 10_000, 5):
        alfa.fetcher.hear(BRAVO, blob.to_bytes(Ask(DIGEST, 1_024, tuple(range(0, 16 * 1_024, 1_024)))), now_ms)
        alfa.fetcher.hear(BRAVO, blob.to_bytes(Ask(world.chance.randbytes(32), 1_024, (0,))), now_ms)
    given = sum(isinstance(m, Piece) for *_, m in world.sent)
    assert PIECES_PER_SECOND * 9 <= given <= PIECES_PER_SECOND * 10 + PIECES_BURST
    assert read <= 20
    alfa.fetcher.tick(10_000 + IDLE_MS)
    alfa.fetcher.hear(BRAVO, blob.to_bytes(Ask(DIGEST, 1_024, (0,))), 10_000 + IDLE_MS)
    assert read <= 21, "it is let go of when nobody asks, and read anew"


def test_what_is_damaged_on_the_holders_disk_is_not_given(tmp_path: Path) -> None:
    world = World(tmp_path, members=2)
    held(world, ALFA)
    world.members[ALFA].blobs.path(DIGEST).write_bytes(bytes(len(DATA)))
    world.members[BRAVO].fetcher.want(DIGEST, len(DATA), 3)
    world.run(5_000)
    assert world.members[BRAVO].where == [Whereabouts.NOWHERE]
    assert not any(isinstance(m, Piece) for *_, m in world.sent)


def test_who_names_a_wrong_size_harms_only_himself(tmp_path: Path) -> None:
    world = World(tmp_path)
    held(world, ALFA)
    bravo = world.members[BRAVO]
    for size in (len(DATA) - 70_000, len(DATA), len(DATA) + 1):
        bravo.fetcher.want(DIGEST, size, 3)
    world.run(120_000, lambda: (DIGEST, len(DATA), Whereabouts.HERE) in bravo.told)
    assert (DIGEST, len(DATA), Whereabouts.HERE) in bravo.told
    world.run(RETRY_MS)
    assert {where for _, size, where in bravo.told if size != len(DATA)} <= {Whereabouts.NOWHERE}


def test_a_disk_that_takes_nothing_is_told_and_tried_again(tmp_path: Path) -> None:
    world = World(tmp_path, members=2)
    held(world, ALFA)
    bravo = world.members[BRAVO]
    bravo.blobs._most_bytes = 100_000
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(20_000)
    assert "at most 100000 have room" in bravo.fetcher.progress(DIGEST, len(DATA))[1]
    assert not bravo.told
    bravo.blobs._most_bytes = 10**9
    world.run(2 * RETRY_MS, lambda: bool(bravo.told))
    assert bravo.where == [Whereabouts.HERE]


def test_noise_is_counted_and_a_file_that_was_lost_is_told(tmp_path: Path) -> None:
    world = World(tmp_path, members=2)
    bravo = world.members[BRAVO]
    bravo.fetcher.hear(ALFA, b"\xc1", 0)
    assert bravo.fetcher.counts.noise == 1
    bravo.fetcher.hear(ALFA, blob.to_bytes(Piece(DIGEST, 0, b"unasked")), 0)
    bravo.fetcher.want(DIGEST, len(DATA), 3, here=True)
    assert bravo.where == [Whereabouts.AWAY]


def test_a_file_brought_by_hand_is_found(tmp_path: Path) -> None:
    world = World(tmp_path, members=2)
    bravo = world.members[BRAVO]
    bravo.fetcher.want(DIGEST, len(DATA), 3)
    world.run(1_000)
    held(world, BRAVO)
    bravo.fetcher.look_again(DIGEST, len(DATA))
    assert bravo.where[-1] is Whereabouts.HERE
