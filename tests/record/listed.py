"""Key lists on a line for tests: lists that roots have signed, and what is said under them, from names alone."""

from typing import Any

import msgspec
from tests.record.build import Line, mldsa_key, notice, signing_key

from keepclear.accord import canonical, statement
from keepclear.accord.statement import Precedence
from keepclear.record import entry, key_list
from keepclear.record.entry import Entry
from keepclear.record.genesis import Key
from keepclear.record.key_list import Ending, ListBody, RootMark

THIEF = b"thiefthi"


def node_key(name: str, role: str) -> Key:
    """The public halves of a node key."""
    mldsa = mldsa_key(name, role) if role != "node" else mldsa_key(name)
    return Key("", bytes(signing_key(name, role).verify_key), mldsa.public_key().public_bytes_raw())


def seat_key(name: str, role: str) -> Key:
    """The public half of a seat's key; the seat is its role before a dot."""
    return Key(role.split(".", maxsplit=1)[0], bytes(signing_key(name, role).verify_key))


def list_body(line: Line, member: int = 0, number: int = 1, node: str = "node.1", **changes: Any) -> ListBody:
    """A list of a member: a node key, a new key for the seat duty, chief as it was."""
    name = line.genesis.names[member]
    fields: dict[str, Any] = {
        "magic": key_list.MAGIC,
        "line": line.genesis.line,
        "member": member,
        "number": number,
        "keys": (node_key(name, node), seat_key(name, "duty.1"), seat_key(name, "chief")),
    }
    return ListBody(**{**fields, **changes})


def signed(line: Line, body: ListBody, roots: tuple[int, ...] = (0, 1), by: str = "") -> bytes:
    """The document of a list, signed by these roots of its member (or of another one)."""
    data = canonical.encode(body)
    name = by or line.genesis.names[body.member]
    message = key_list.signing_message(data)
    return key_list.document(
        data, tuple(RootMark(i, signing_key(name, "root", i).sign(message).signature) for i in roots)
    )


def say_under(line: Line, author: int, role: str, epoch: int, body: statement.Body, **headers: Any) -> Entry:
    """The author says a statement under a key list, with the node key of this role; all take it in."""
    fields = {"epoch": epoch, "key": 0 if epoch else line.genesis.node_key(author), **headers}
    made = line.sign(author, line.draft(body, precedence=Precedence.FLASH, seat=""), headers=fields)
    message = entry.signing_message(made.header_bytes)
    signature = signing_key(line.genesis.names[author], role).sign(message).signature
    raw = entry.assemble(made.header_bytes, signature, made.releases, made.seed, made.body)
    said = entry.read(raw, canonical.MAX_BYTES)
    for view, heard in zip(line.views, line.heard_ms, strict=True):
        view.add(said)
        heard[said.header.incarnation] = said.header.wall_ms
    return said


def stolen_line() -> tuple[Line, list[list[Any]]]:
    """A line of two of three roots: ALFA changes its keys; a thief has the old one. And what is past its end.

    BRAVO has cosigned one entry of the thief's, before the list: that much ALFA has to let stand.
    """
    line = Line(roots=3, threshold=2)
    line.say(0, notice("said before"), releasing=("duty",))
    old, inc = bytes(signing_key("ALFA", "node").verify_key), line.incarnation(0)
    upto = ((inc, None),)
    body = list_body(line, ends=(Ending(old, upto),), next=key_list.commitment(node_key("ALFA", "node.2")))
    say_under(line, 0, "node", 0, statement.KeyList(document=signed(line, body)))
    line.clock_ms += 1_000
    say_under(line, 0, "node.1", 1, notice("said under the new key"))
    prev, false = entry.NO_PREV, []
    for seq in range(3):
        placed = {"incarnation": THIEF, "start": 9, "seq": seq, "prev": prev}
        false.append(say_under(line, 0, "node", 0, notice(f"false {seq}"), **placed))
        prev = false[-1].leaf
    theirs = line.views[1].books[0, THIEF]
    line.cosign_start(0, theirs, 1, (1,))
    second = list_body(line, 0, 2, "node.2", ends=())
    say_under(line, 1, "node", 0, statement.KeyList(document=signed(line, second, (0, 2))))
    return line, [[0, THIEF.hex(), 1], [0, THIEF.hex(), 2]]


def with_ends(line: Line, ends: tuple[Ending, ...]) -> ListBody:
    """A list that ends these."""
    return msgspec.structs.replace(list_body(line), ends=ends)
