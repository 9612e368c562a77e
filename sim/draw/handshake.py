"""How a session begins: one HELLO, two KEYs, two proofs.

The law: two real sessions with a delay between them; what is drawn are the datagrams that they gave, with their sizes,
and when each of them said that the session is in use.
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import groupby
from typing import Final

from tests.line.talk import member

from keepclear.line import part
from keepclear.line.session import Reply, Up
from sim.draw.paper import Paper
from sim.draw.sequence import Lane, Sequence

DELAY_MS: Final = 20
UNTIL_MS: Final = 100
X: Final = (280.0, 540.0)
KINDS: Final = {part.HELLO: "HELLO", part.KEY: "KEY", part.FRAME: "proof"}
MEANS: Final = {
    "HELLO": ["fresh keys for this session,", "X25519 and ML-KEM-768;", "signed by the node’s key"],
    "KEY": ["a secret, sealed to the keys", "of the HELLO that it names;", "signed by the node’s key"],
    "proof": ["an empty frame, sealed", "under both secrets"],
}


@dataclass(frozen=True)
class Sent:
    """One datagram: when, by which end, and what it is."""

    at_ms: int
    by: int
    kind: int
    size: int


def talk() -> tuple[list[Sent], dict[int, int]]:
    """What two sessions said until both were up, the first beginning; and when each was."""
    ends, sent, ups = [member(0), member(1)], list[Sent](), dict[int, int]()
    under_way: list[tuple[int, int, int, bytes]] = []

    def send(at_ms: int, by: int, datagrams: list[bytes]) -> None:
        for datagram in datagrams:
            header = part.read(datagram)
            assert header is not None
            sent.append(Sent(at_ms, by, header.kind, len(datagram)))
            heappush(under_way, (at_ms + DELAY_MS, len(sent), 1 - by, datagram))

    send(0, 0, ends[0].hello(0))
    while under_way:
        at_ms, _, to, datagram = heappop(under_way)
        for event in ends[to].receive(datagram, at_ms):
            if isinstance(event, Reply):
                send(at_ms, to, event.datagrams)
            if isinstance(event, Up):
                ups[to] = at_ms
    return sent, ups


def draw() -> Paper:
    """The picture."""
    paper = Paper(820, 470, "How a session begins")
    paper.text((24, 34), f"A session begins; {DELAY_MS} ms each way", bold=True)
    paper.text(
        (24, 54), "Nothing that was ever recorded can begin one: each HELLO serves one session only.", "soft", size=12
    )
    lanes = [Lane(X[0], "ALFA", "a"), Lane(X[1], "BRAVO", "b")]
    sheet = Sequence(paper, 104, 3.3, UNTIL_MS, lanes)
    sent, ups = talk()
    told: set[str] = set()
    for _, group in groupby(sent, key=lambda one: (one.at_ms, one.by)):
        _message(sheet, list(group), told)
    for by, at_ms in ups.items():
        anchor = "end" if by == 0 else "start"
        sheet.note(X[by], at_ms + 14, ["the session is in use;", "its private keys are forgotten"], anchor, "open")
    return paper


def _message(sheet: Sequence, group: list[Sent], told: set[str]) -> None:
    """What one end says at one time, and what of it has not been said before."""
    at_ms, by = group[0].at_ms, group[0].by
    names = list(dict.fromkeys(KINDS[one.kind] for one in group))
    words = f"{' and '.join(names)}, {sum(one.size for one in group)} bytes"
    sheet.tell((X[by], at_ms), (X[1 - by], at_ms + DELAY_MS), words, "ab"[by])
    new = [name for name in names if name not in told]
    told |= set(names)
    for nth, name in enumerate(new):
        sheet.note(X[by], at_ms + 16 * nth, [f"{name}:", *MEANS[name]], "end" if by == 0 else "start", "soft")
