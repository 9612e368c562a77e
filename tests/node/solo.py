"""One node on its own, with hands that do at once whatever it asks, for the tests of this room."""

from typing import Any

from keepclear.line import frame as frames
from keepclear.line.frame import EntryItem, Frame, Item
from keepclear.node import effects as fx
from keepclear.node import inputs
from keepclear.node.effects import Alarm, Effect, Keep, Mark, Send, Show, Sign
from keepclear.node.inputs import AnyInput, Durable, Receive, Session, Settings, Signed, Stamp, Start
from keepclear.node.node import Node
from sim import founding

GENESIS = founding.found()
KEYS = [founding.node_keys(name) for name in founding.NAMES]
WALL_MS = 1_537_207_200_000
ALFA, BRAVO, WITNESS = range(3)


class Solo:
    """A node that has started and has a session with each peer; `done` are all effects since it was last emptied."""

    def __init__(self, me: int = ALFA, durable: bool = True) -> None:
        self.me, self.durable = me, durable
        self.node = Node(GENESIS, me)
        self.mono_ms, self.starts = 1_000, 0
        self.done: list[Effect] = []
        self.kept: list[bytes] = []

    def stamp(self) -> Stamp:
        return Stamp(self.mono_ms, WALL_MS + self.mono_ms, 50)

    def start(self) -> "Solo":
        self.starts += 1
        fresh = bytes((self.me, self.starts)) * 4
        self.take(Start(self.stamp(), f"boot{self.starts}", fresh, fresh * 4, "test", Settings()))
        for peer in self.node.state.peers:
            self.take(Session(self.stamp(), peer, bytes((peer,)) * 8, bytes(16)))
        return self

    def take(self, data: AnyInput) -> list[Effect]:
        """Steps an input as the journal would give it back."""
        found = self.node.step(inputs.read(inputs.to_bytes(data)))
        self.done += found
        for effect in found:
            match effect:
                case Sign():
                    sign = KEYS[self.me].sign_mldsa if effect.algorithm == fx.MLDSA else KEYS[self.me].sign
                    self.take(Signed(self.stamp(), effect.token, sign(effect.message)))
                case Keep():
                    self.kept.append(effect.raw)
                case Mark() if self.durable:
                    self.take(Durable(self.stamp(), self.node.state.n))
        return found

    def hear(self, peer: int, *items: Item | list[Any], **times: Any) -> list[Effect]:
        """A frame from a peer with these items."""
        frame = {"path": "udp", "mono_ms": self.mono_ms, "wall_ms": WALL_MS, "echo_ms": None, "hold_ms": 0, **times}
        data = frames.to_bytes(Frame(**frame, items=tuple(items)))
        return self.take(Receive(self.stamp(), peer, bytes((peer,)) * 8, data))

    def hear_entry(self, peer: int, raw: bytes) -> list[Effect]:
        return self.hear(peer, EntryItem(raw))

    def sent(self) -> list[Item]:
        """All items of all frames sent since `done` was emptied."""
        return [item for one in self.done if isinstance(one, Send) for item in frames.read(one.frame)[1]]

    def shows(self, what: str = "statement") -> list[Show]:
        return [one for one in self.done if isinstance(one, Show) and one.what == what]

    def alarms(self) -> list[str]:
        return [one.what for one in self.done if isinstance(one, Alarm)]

    @property
    def noise(self) -> dict[str, int]:
        return self.node.state.noise
