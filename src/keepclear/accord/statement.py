"""What may be said: one frozen positional structure per kind, and the reading of a body's bytes into it.

The law: a body is an array whose first two leaves are reserved (`ext`, `blob`) and whose others follow in schema
order. Items beyond the schema are kept in the bytes and ignored in reading. No kind has a field for a target, a
weapon, a unit's strength or an approval. Times are integer milliseconds since 1970 (UTC); None means not stated.
What a statement refers to (the notice that it ends, the entry that it answers) stands in the header.
"""

from enum import IntEnum
from typing import Any, ClassVar, Final

import msgspec

from keepclear.accord import canonical
from keepclear.accord.shape import Volume


class Kind(IntEnum):
    """The kinds of statement, as numbered in the header."""

    NOTICE = 1
    AMEND = 2
    CANCEL = 3
    ACTIVATED = 4
    ENDED = 5
    HAZARD = 6
    ALL_CLEAR = 7
    CLARIFY = 8
    ANSWER = 9
    ACKNOWLEDGEMENT = 10
    CEASE_NOW = 11
    DISTRESS = 12
    UNDERSTANDING = 13
    ACCEPT = 14
    RECEIPT = 15
    LINK = 16
    LINE_TEST = 17
    TEST_REPLY = 18
    CHANNEL_STATE = 19
    IN_FORCE_LIST = 20
    KEY_LIST = 21


class Precedence(IntEnum):
    """How urgent, as numbered in the header; the smaller the sooner."""

    FLASH = 1
    IMMEDIATE = 2
    PRIORITY = 3
    ROUTINE = 4


KINDS: Final = frozenset(Kind)
PRECEDENCES: Final = frozenset(Precedence)


class Activity(IntEnum):
    """Classes of activity: its effect on others, never its means."""

    FLIGHT = 1
    EXERCISE = 2
    LIVE_FIRE = 3
    HAZARDOUS = 4
    UNCREWED = 5
    HUMANITARIAN = 6
    SEARCH_AND_RESCUE = 7
    WORKS = 8


class HazardKind(IntEnum):
    """Kinds of hazard."""

    AIR_DEFENCE_ACTIVITY = 1
    JAMMING = 2
    DEBRIS = 3
    UNCREWED_AIRCRAFT = 4
    FIRE = 5
    LASER = 6
    OTHER = 7


class HazardSource(IntEnum):
    """Whose hazard it is."""

    OWN = 0
    THIRD_PARTY = 1
    UNKNOWN = 2


class Doubt(IntEnum):
    """What a CLARIFY asks for; a sum of these."""

    AREA = 1
    START = 2
    END = 4
    ALTITUDE = 8


class Channel(IntEnum):
    """What a party's side has decided about using the line: a political fact, beside whether it works."""

    OPEN = 1
    SUSPENDED = 2


class Step(IntEnum):
    """How far an ACKNOWLEDGEMENT goes."""

    READ = 1
    READ_BACK = 2


MAX_TEXT_BYTES: Final = 1_000
MAX_FLASH_TEXT_BYTES: Final = 150
MAX_CONTACT_BYTES: Final = 32
MAX_SEAT_BYTES: Final = 16
MAX_WORDS_BYTES: Final = 64  # of the answer to a test
NONCE_BYTES: Final = 8


class Body(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """The two reserved leaves that every body begins with."""

    kind: ClassVar[Kind]
    ext: tuple[Any, ...] | None = None
    blob: tuple[Any, ...] | None = None


class Notice(Body, frozen=True, array_like=True, kw_only=True):
    """An activity that will happen: its class, where, when; how long it goes on if the end is not a time."""

    kind = Kind.NOTICE
    activity: int
    volumes: tuple[Volume, ...]
    start_ms: int | None
    end_ms: int | None
    text: str = ""
    contact: str = ""


class Amend(Notice, frozen=True, array_like=True, kw_only=True):
    """The full new reading of the notice or hazard-free activity that the header's `replaces` names."""

    kind = Kind.AMEND


class Cancel(Body, frozen=True, array_like=True, kw_only=True):
    """The activity that the header's `replaces` names will not take place."""

    kind = Kind.CANCEL
    text: str = ""


class Activated(Body, frozen=True, array_like=True, kw_only=True):
    """The activity that the header's ref names has begun."""

    kind = Kind.ACTIVATED
    at_ms: int
    text: str = ""


class Ended(Body, frozen=True, array_like=True, kw_only=True):
    """The activity that the header's ref names is over; `residual` says that a hazard remains."""

    kind = Kind.ENDED
    at_ms: int
    residual: bool = False
    text: str = ""


class Hazard(Body, frozen=True, array_like=True, kw_only=True):
    """A volume unsafe for others since a time, until an ALL-CLEAR; never ends by itself."""

    kind = Kind.HAZARD
    hazard: int
    source: int
    volumes: tuple[Volume, ...]
    since_ms: int | None
    text: str = ""
    contact: str = ""


class AllClear(Body, frozen=True, array_like=True, kw_only=True):
    """The hazard that the header's ref names is over."""

    kind = Kind.ALL_CLEAR
    at_ms: int
    text: str = ""


class Clarify(Body, frozen=True, array_like=True, kw_only=True):
    """What is not clear (a sum of Doubt) in the entry that the header's ref names."""

    kind = Kind.CLARIFY
    doubts: int
    text: str = ""


class Answer(Body, frozen=True, array_like=True, kw_only=True):
    """The answer to the CLARIFY (or other statement) that the header's ref names; fields not answered are None."""

    kind = Kind.ANSWER
    volumes: tuple[Volume, ...] | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    text: str = ""


class Acknowledgement(Body, frozen=True, array_like=True, kw_only=True):
    """A seat has read the entry that the header's ref names; with READ_BACK, what it understood.

    `end_ms` and `upper_cm` are re-entered by the officer, `area` is the check word of the area picked among three.
    """

    kind = Kind.ACKNOWLEDGEMENT
    step: int
    end_ms: int | None = None
    upper_cm: int | None = None
    area: str | None = None
    text: str = ""


class CeaseNow(Body, frozen=True, array_like=True, kw_only=True):
    """Stop: somebody uninvolved, protected or own is being hit here. To any staffed seat."""

    kind = Kind.CEASE_NOW
    volumes: tuple[Volume, ...]
    at_ms: int
    text: str = ""
    contact: str = ""


class Distress(Body, frozen=True, array_like=True, kw_only=True):
    """An aircraft is in distress or lost: where last seen, when, how many aboard if known, what is needed."""

    kind = Kind.DISTRESS
    volumes: tuple[Volume, ...]
    last_fix_ms: int | None
    aboard: int | None = None
    text: str = ""
    contact: str = ""


class Understanding(Body, frozen=True, array_like=True, kw_only=True):
    """Proposed rules of a line: (id, kind, parameters, text) each. In force once every party has accepted it."""

    kind = Kind.UNDERSTANDING
    name: str
    version: int
    effective_ms: int
    rules: tuple[tuple[Any, ...], ...]
    text: str = ""


class Accept(Body, frozen=True, array_like=True, kw_only=True):
    """The party accepts the UNDERSTANDING that the header's ref names."""

    kind = Kind.ACCEPT
    text: str = ""


class Receipt(Body, frozen=True, array_like=True, kw_only=True):
    """Made by rule: what this node holds of one incarnation of one party, and since when.

    `ranges` are (first seq, count, durable_ms, shown_ms or None); `beyond` are (seq, leaf hash, durable_ms) of up to
    eight entries held past the first gap. Times are this node's wall clock.
    """

    kind = Kind.RECEIPT
    party: int
    incarnation: bytes
    size: int
    root: bytes
    ranges: tuple[tuple[int, int, int, int | None], ...]
    beyond: tuple[tuple[int, bytes, int], ...] = ()


class Link(Body, frozen=True, array_like=True, kw_only=True):
    """Made by rule: the author's earlier incarnations as far as known, and which members have answered.

    `old` are (incarnation, start number, size, root, ((seq, leaf hash), ...) beyond, ((first seq, count), ...) holes).
    """

    kind = Kind.LINK
    answered: int
    old: tuple[
        tuple[bytes, int, int, bytes, tuple[tuple[int, bytes], ...], tuple[tuple[int, int], ...]],
        ...,
    ] = ()


class LineTest(Body, frozen=True, array_like=True, kw_only=True):
    """Is a person there? Whoever sits at the other end types the words that follow from the nonce."""

    kind = Kind.LINE_TEST
    nonce: bytes
    text: str = ""


class LineReply(Body, frozen=True, array_like=True, kw_only=True):
    """The answer of a seat to the LINE TEST that the header's ref names: the words as they were typed."""

    kind = Kind.TEST_REPLY
    words: str
    text: str = ""


class ChannelState(Body, frozen=True, array_like=True, kw_only=True):
    """Whether the author's side uses the channel; `until_ms` is what it says today, and ends nothing by itself."""

    kind = Kind.CHANNEL_STATE
    state: int
    until_ms: int | None = None
    text: str = ""
    contact: str = ""


class InForceList(Body, frozen=True, array_like=True, kw_only=True):
    """Made by rule: what this node holds to be in force.

    `count` matters, whose sorted hashes have the `digest`; `leaves` are as many of them as an entry has room for.
    """

    kind = Kind.IN_FORCE_LIST
    count: int
    digest: bytes
    leaves: tuple[bytes, ...] = ()


class KeyList(Body, frozen=True, array_like=True, kw_only=True):
    """Which keys speak for a member from now on: a document that its roots have signed, whoever carries it."""

    kind = Kind.KEY_LIST
    document: bytes


BODIES: Final[dict[int, type[Body]]] = {
    body.kind: body
    for body in (
        Notice, Amend, Cancel, Activated, Ended, Hazard, AllClear, Clarify, Answer, Acknowledgement, CeaseNow,
        Distress, Understanding, Accept, Receipt, Link, LineTest, LineReply, ChannelState, InForceList, KeyList,
    )
}  # fmt: skip
BY_RULE: Final = frozenset({Kind.RECEIPT, Kind.LINK, Kind.IN_FORCE_LIST})
BY_NODE: Final = BY_RULE | {Kind.KEY_LIST}  # what no officer says; a key list is shown and receipted all the same
ALWAYS_FLASH: Final = frozenset({Kind.HAZARD, Kind.CEASE_NOW, Kind.DISTRESS})


class Unreadable(ValueError):
    """A body that is no statement of its kind; the text says what was expected."""


def to_bytes(body: Body) -> bytes:
    """The canonical bytes of a body. Raises canonical.NotCanonical for what has no form."""
    return canonical.encode(body)


def read(kind: int, data: bytes) -> Body | None:
    """The statement that a body's canonical bytes hold, or None for a kind this version does not know.

    Raises Unreadable when the bytes are no body of that kind.
    """
    if kind not in BODIES:
        return None
    try:
        return msgspec.msgpack.decode(data, type=BODIES[kind])
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Unreadable(f"{Kind(kind).name}: {error}") from error
