"""A bundle for tests: what a member of a small line holds, signed by its node."""

from collections.abc import Iterable

from tests.record.build import Line, signing_key

from keepclear.record import bundle
from keepclear.record.bundle import Header
from keepclear.record.entry import Entry


def bundle_of(line: Line, sender: int = 0, entries: Iterable[Entry] | None = None, **changes: int | bytes) -> bytes:
    """The bundle of these entries (all that the sender holds), whatever `changes` say in its header."""
    held = bundle.in_sequence(line.entries(sender) if entries is None else entries)
    fields = {
        "line": line.genesis.line, "sender": sender, "incarnation": line.incarnation(sender), "wall_ms": line.clock_ms,
        "wall_err_ms": 50, "count": len(held),
    }  # fmt: skip
    return signed(line, sender, bundle.body(Header(**{**fields, **changes}), [one.raw for one in held]))  # type: ignore[arg-type]


def signed(line: Line, sender: int, unsigned: bytes) -> bytes:
    """These bytes with the signature of the sender's node."""
    key = signing_key(line.genesis.names[sender], "node")
    return unsigned + key.sign(bundle.signing_message(unsigned)).signature
