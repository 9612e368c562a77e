"""What an officer's tool does before the node sees a statement: check its form, fix its body, sign its release.

The law: the seat's key is used here, by the officer's own process; the node gets the finished release. What is signed
is all that the officer saw: kind, precedence, what it replaces and cites, times, the root over the body.
"""

import secrets

import msgspec

from keepclear.accord import form, statement
from keepclear.accord.statement import Body
from keepclear.host.client import Client
from keepclear.host.identity import Identity
from keepclear.record import entry as entries
from keepclear.record.entry import SEED_BYTES, Draft


class Said(msgspec.Struct, frozen=True):
    """What has been said: the entry's hash and its number."""

    leaf: bytes
    seq: int


def say(
    client: Client,
    identity: Identity,
    seats: tuple[str, ...],
    body: Body,
    precedence: int,
    *,
    replaces: bytes | None = None,
    refs: tuple[bytes, ...] = (),
    expiry_ms: int | None = None,
    as_is: bool = False,
) -> Said:
    """Has a running node say a statement, released by the given seats (the first one is the author's).

    Raises accord's Refused for what has no form, KeyError for a seat whose key is not here, NodeError if the node
    does not take it.
    """
    facts = client.ask("facts")
    author = seats[0] if seats else ""
    form.check_form(body, precedence, replaces, refs, author, facts["wall_ms"], expiry_ms, as_is)
    draft = Draft(
        body.kind, precedence, replaces, refs, facts["everyone"], author, facts["wall_ms"], expiry_ms,
        statement.to_bytes(body),
    )  # fmt: skip
    seed = secrets.token_bytes(SEED_BYTES)
    root = entries.body_root(seed, draft.body)
    message = entries.release_message(identity.genesis.line, facts["epoch"], identity.member, draft, root)
    signed = [identity.release(facts["epoch"], seat, message) for seat in seats]
    releases = [[index, signature.hex()] for index, signature in signed]
    answer = client.ask(
        "say", draft=msgspec.msgpack.encode(draft).hex(), epoch=facts["epoch"], seed=seed.hex(), releases=releases
    )
    return Said(bytes.fromhex(answer["leaf"]), answer["seq"])
