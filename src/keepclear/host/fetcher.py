"""Having what statements have attached: looked for on our disk, then asked for from one holder after another.

The law: entries never wait for it, and nothing is asked for while entries wait. One file at a time from a peer, what is
more urgent first; by a slow radio only what an officer has asked for. What has come is kept, and gone on with after
loss, another session, another holder or a restart. Bytes that do not fit the hash are dropped and counted, and whoever
gave all of them is not asked again for that file; where several gave, one is asked for all of it from then on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from keepclear.host.blobs import BlobError, Blobs
from keepclear.host.shelf import Shelf, Work
from keepclear.line import blob
from keepclear.line.blob import Ask, Lacking, Piece
from keepclear.line.bucket import Bucket
from keepclear.line.fetch import Fetch
from keepclear.node.named import Whereabouts

ASKED_PER_SECOND: Final = 256  # pieces of a kilobyte from one peer: 2 Mbit/s
ASKED_BURST: Final = 32
RADIO_WINDOW: Final = 2
RADIO_WAIT_MS: Final = 6_000
SILENT_MS: Final = 20_000  # of a holder that was asked: another one is tried
RADIO_SILENT_MS: Final = 120_000
RETRY_MS: Final = 30_000  # until a peer that had it not, or was silent, is asked again
WRITE_BYTES: Final = 65_536  # what is gathered before it is written: so much a crash takes away
MAX_UNWRITTEN: Final = 262_144  # while a disk hangs
Name = tuple[bytes, int]  # hash and size


@dataclass(frozen=True)
class Way:
    """How a peer can be asked now: its session, whether entries wait to go to it, whether it is by a slow radio."""

    session: bytes
    busy: bool = False
    radio: bool = False


@dataclass
class Counts:
    """What became of files since the start."""

    fetched: int = 0
    wrong: int = 0
    noise: int = 0


@dataclass
class Wanted:
    """One file that is wanted; `ready` while no thread is at work on it.

    `lacks` and `silent` are until when a peer is not asked again, `bad` who is not at all. `givers` gave what is here
    of it, None for what a former process had; `alone`: one has to give all of it.
    """

    digest: bytes
    size: int
    precedence: int
    got: int = 0
    ready: bool = False
    by_hand: bool = False
    alone: bool = False
    nowhere: bool = False
    error: str = ""
    lacks: dict[int, int] = field(default_factory=dict)
    silent: dict[int, int] = field(default_factory=dict)
    bad: set[int] = field(default_factory=set)
    givers: set[int | None] = field(default_factory=set)


@dataclass
class Talk:
    """A file that is being had from one peer, and what of it came and is not written."""

    wanted: Wanted
    fetch: Fetch
    session: bytes
    began_ms: int
    unwritten: bytearray = field(default_factory=bytearray)


class Fetcher:
    """All files that are wanted, and those that peers want of us.

    `send(peer, message)` seals and sends, `ways()` are the peers in session, `told(digest, size, where)` becomes the
    node's input, `work(do, done)` does in a thread and brings what came of it, or its BlobError, to `done` in the loop.
    """

    def __init__(
        self,
        blobs: Blobs,
        members: frozenset[int],
        send: Callable[[int, bytes], None],
        ways: Callable[[], Mapping[int, Way]],
        told: Callable[[bytes, int, Whereabouts], None],
        is_named: Callable[[bytes, int], bool],
        work: Work,
    ) -> None:
        self._blobs, self._members, self._send, self._ways, self._told = blobs, members, send, ways, told
        self._work = work
        self._wanted: dict[Name, Wanted] = {}
        self._talks: dict[int, Talk] = {}
        self._allowance = {peer: Bucket(ASKED_PER_SECOND, ASKED_BURST) for peer in members}
        self._spare = dict.fromkeys(members, False)
        self._shelves = {peer: Shelf(blobs, _to(send, peer), is_named, work) for peer in members}
        self.counts = Counts()

    def want(self, digest: bytes, size: int, precedence: int, here: bool = False, by_hand: bool = False) -> None:
        """Looks for a file, and has it fetched; `by_hand` also by radio, and from whom it was not to be had."""
        name = digest, size
        wanted = self._wanted.get(name)
        if wanted is None:
            wanted = self._wanted[name] = Wanted(digest, size, precedence)
            self._work(lambda: self._look(digest, size), lambda found: self._looked(wanted, here, found))
        if by_hand:
            wanted.by_hand, wanted.error = True, ""
            wanted.lacks, wanted.silent, wanted.bad = {}, {}, set()

    def look_again(self, digest: bytes, size: int) -> None:
        """A file may have been put on our disk by another hand."""
        for peer in [peer for peer, talk in self._talks.items() if talk.wanted.digest == digest]:
            del self._talks[peer]
        self._wanted.pop((digest, size), None)
        self.want(digest, size, 1)

    def progress(self, digest: bytes, size: int) -> tuple[int, str]:
        """How many bytes of a wanted file are here, and in words what keeps the others; "" if nothing does."""
        wanted = self._wanted.get((digest, size))
        if wanted is None:
            return 0, ""
        for talk in self._talks.values():
            if talk.wanted is wanted:
                return talk.fetch.got, wanted.error
        ways = self._ways()
        radio = bool(ways) and all(way.radio for way in ways.values()) and not wanted.by_hand
        return wanted.got, wanted.error or ("by radio only when asked for" if radio else "")

    def hear(self, peer: int, message: bytes, now_ms: int) -> None:
        """Takes a message of a peer."""
        match blob.read(message):
            case Ask() as ask:
                way = self._ways().get(peer)
                if way is not None and not way.busy:
                    self._shelves[peer].asked(ask, now_ms)
            case Piece(digest=digest, place=place, data=data):
                talk = self._talks.get(peer)
                if talk is not None and talk.wanted.digest == digest:
                    talk.wanted.lacks.pop(peer, None)
                    talk.unwritten += talk.fetch.hear(place, data, now_ms)
                    self._write(peer, talk)
                    self._ask(peer, talk, now_ms)
            case Lacking(digest=digest):
                talk = self._talks.get(peer)
                if talk is not None and talk.wanted.digest == digest:
                    talk.wanted.lacks[peer] = now_ms + RETRY_MS
                    self._release(peer)
            case None:
                self.counts.noise += 1

    def tick(self, now_ms: int) -> None:
        """Asks for what is due. Call it ten times a second."""
        ways = self._ways()
        for peer, talk in list(self._talks.items()):
            way = ways.get(peer)
            silent_ms = RADIO_SILENT_MS if way is not None and way.radio else SILENT_MS
            if way is not None and way.busy:
                talk.began_ms = now_ms  # nothing is asked for, so silence means nothing
            since_ms = max(talk.began_ms, talk.fetch.heard_ms or 0)
            if way is None or way.session != talk.session:
                self._release(peer)
            elif not talk.fetch.is_whole and now_ms - since_ms >= silent_ms:
                talk.wanted.silent[peer] = now_ms + RETRY_MS
                self._release(peer)
            else:
                self._ask(peer, talk, now_ms)
        for peer, way in ways.items():
            if peer not in self._talks and (wanted := self._next(peer, way, now_ms)) is not None:
                self._begin(peer, way, wanted, now_ms)
        for wanted in self._wanted.values():
            self._tell_nowhere(wanted)
        for shelf in self._shelves.values():
            shelf.tidy(now_ms)

    def end(self) -> None:
        """Has what came and is not written yet written, so that the next start goes on with it."""
        for peer in list(self._talks):
            self._release(peer)

    def _look(self, digest: bytes, size: int) -> int | None:
        """How much of a file is here; None if all of it is."""
        data = self._blobs.read(digest)
        return None if data is not None and len(data) == size else self._blobs.begun(digest, size)

    def _looked(self, wanted: Wanted, here: bool, found: int | BlobError | None) -> None:
        if isinstance(found, BlobError):
            wanted.error, wanted.ready = str(found), True
            return
        if found is None:
            self._wanted.pop((wanted.digest, wanted.size), None)
            self._told(wanted.digest, wanted.size, Whereabouts.HERE)
            return
        wanted.got, wanted.ready = found, True
        wanted.givers = {None} if found else set()
        if here:
            self._told(wanted.digest, wanted.size, Whereabouts.AWAY)

    def _next(self, peer: int, way: Way, now_ms: int) -> Wanted | None:
        taken = {id(talk.wanted) for talk in self._talks.values()}
        found = [
            wanted
            for wanted in self._wanted.values()
            if wanted.ready
            and id(wanted) not in taken
            and (wanted.by_hand or not way.radio)
            and peer not in wanted.bad
            and max(wanted.lacks.get(peer, 0), wanted.silent.get(peer, 0)) <= now_ms
        ]
        return min(found, key=lambda wanted: wanted.precedence, default=None)

    def _begin(self, peer: int, way: Way, wanted: Wanted, now_ms: int) -> None:
        wanted.error = ""
        if wanted.alone and wanted.givers - {peer}:
            wanted.got, wanted.givers = 0, set()
        fetch = (
            Fetch(wanted.size, wanted.got, blob.RADIO_PIECE_BYTES, RADIO_WINDOW, RADIO_WAIT_MS)
            if way.radio
            else Fetch(wanted.size, wanted.got, blob.PIECE_BYTES)
        )
        talk = self._talks[peer] = Talk(wanted, fetch, way.session, now_ms)
        self._write(peer, talk)  # it may be whole already, and only not looked at
        self._ask(peer, talk, now_ms)

    def _ask(self, peer: int, talk: Talk, now_ms: int) -> None:
        way = self._ways().get(peer)
        if way is None or way.busy or len(talk.unwritten) > MAX_UNWRITTEN:
            return
        places: list[int] = []
        while len(places) < blob.MAX_ASKED and (self._spare[peer] or self._allowance[peer].take(now_ms)):
            due = talk.fetch.due(now_ms, 1)
            self._spare[peer] = not due
            if not due:
                break
            places += due
        if places:
            self._send(peer, blob.to_bytes(Ask(talk.wanted.digest, talk.fetch.piece_bytes, tuple(places))))

    def _write(self, peer: int, talk: Talk) -> None:
        """Writes what has been gathered, one write at a time; when all is written, has it looked at."""
        wanted = talk.wanted
        if not wanted.ready or (len(talk.unwritten) < WRITE_BYTES and not talk.fetch.is_whole):
            return
        data, place = bytes(talk.unwritten), wanted.got
        talk.unwritten.clear()
        wanted.ready = False

        def do() -> bool | None:
            if data:
                self._blobs.go_on(wanted.digest, wanted.size, place, data)
            return self._blobs.finish(wanted.digest, wanted.size) if place + len(data) >= wanted.size else None

        self._work(do, lambda came: self._written(peer, talk, len(data), came))

    def _written(self, peer: int, talk: Talk, size: int, came: bool | BlobError | None) -> None:
        wanted, goes_on = talk.wanted, self._talks.get(peer) is talk
        wanted.ready = True
        if isinstance(came, BlobError):
            wanted.error = str(came)
            wanted.silent[peer] = (talk.fetch.heard_ms or talk.began_ms) + RETRY_MS
            if goes_on:
                del self._talks[peer]
            return
        if size:
            wanted.got += size
            wanted.givers.add(peer)
        if came is None:
            if goes_on:
                self._write(peer, talk)
            return
        if goes_on:
            del self._talks[peer]
        if came:
            self.counts.fetched += 1
            self._wanted.pop((wanted.digest, wanted.size), None)
            self._told(wanted.digest, wanted.size, Whereabouts.HERE)
            return
        self.counts.wrong += 1
        if wanted.givers == {peer}:
            wanted.bad.add(peer)
        wanted.got, wanted.givers, wanted.alone = 0, set(), True

    def _release(self, peer: int) -> None:
        """Ends a talk; what came is written, and gone on with."""
        talk = self._talks.pop(peer)
        wanted = talk.wanted
        if not talk.unwritten or not wanted.ready:
            return
        data, place = bytes(talk.unwritten), wanted.got
        wanted.ready = False
        wanted.got += len(data)
        wanted.givers.add(peer)
        self._work(
            lambda: self._blobs.go_on(wanted.digest, wanted.size, place, data),
            lambda came: self._kept(wanted, place, came),
        )

    @staticmethod
    def _kept(wanted: Wanted, place: int, came: BlobError | None) -> None:
        wanted.ready = True
        if isinstance(came, BlobError):
            wanted.got, wanted.error = min(wanted.got, place), str(came)

    def _tell_nowhere(self, wanted: Wanted) -> None:
        nowhere = bool(self._members) and all(peer in wanted.bad or peer in wanted.lacks for peer in self._members)
        if nowhere and not wanted.nowhere:
            self._told(wanted.digest, wanted.size, Whereabouts.NOWHERE)
        elif wanted.nowhere and not nowhere:
            self._told(wanted.digest, wanted.size, Whereabouts.AWAY)
        wanted.nowhere = nowhere


def _to(send: Callable[[int, bytes], None], peer: int) -> Callable[[bytes], None]:
    def sent(message: bytes) -> None:
        send(peer, message)

    return sent
