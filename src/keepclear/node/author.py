"""Making our own entries: the header is fixed in step, the signature comes back as an input, then the entry exists.

The law: a process signs only in the incarnation of its own start. The header of the next entry names the one before
by hash, so several may wait for their signatures at once; signatures come back in the sequence they were asked for.
"""

import hmac

import msgspec

from keepclear.accord import statement
from keepclear.accord.canonical import NotCanonical
from keepclear.accord.statement import BY_NODE, KINDS, PRECEDENCES, Body
from keepclear.node import ledger
from keepclear.node.core import Core
from keepclear.node.effects import ED25519, Sign
from keepclear.node.inputs import Say, Signed
from keepclear.node.state import Author, Pending
from keepclear.record import entry as entries
from keepclear.record import suite, tree
from keepclear.record.entry import NO_PREV, Draft, Entry, Header, Release, Seen

MAX_PENDING = 1_000  # entries waiting for their signature; a smart card is slow, but not that slow


def begin(core: Core, fresh: bytes, secret: bytes) -> None:
    """Opens the incarnation of this start. What had been released and was not signed is for `say_anew`."""
    before = core.state.author
    known = core.books.newest_start(core.me)
    number = max(known, before.start if before.incarnation else -1) + 1
    core.state.author = Author(fresh, number, secret, last=NO_PREV)


def say_anew(core: Core, before: list[Pending]) -> None:
    """Says in this start what officers had said and the start before did not come to sign.

    A release is for one key list: under another the statement goes out without it, and that is told.
    """
    for pending in before:
        header = msgspec.msgpack.decode(pending.header, type=Header)
        if header.kind in BY_NODE:
            continue
        fits = header.epoch == core.state.keys.epoch
        if pending.releases and not fits:
            core.alarm("keys", "a statement is said without its releases, which were for the keys before: say it again")
        draft = entries.draft_of_header(header, pending.body)
        _ask_signature(core, draft, pending.seed, pending.releases if fits else ())


def say(core: Core, data: Say) -> None:
    """Numbers, dates and chains an officer's statement. What cannot be represented is refused before it is written."""
    reason = _refusal(core, data)
    if reason:
        core.show("refused", reason, facts=(data.seed,))
        return
    _ask_signature(core, data.draft, data.seed, data.releases)


def end(core: Core, reason: str) -> None:
    """This process signs nothing more: the place of its next entry may be taken. A new start has a new incarnation."""
    if not core.state.author.ended:
        core.state.author.ended = reason
        core.alarm("signed elsewhere", f"{reason}: nothing more is signed by this process, it ends; end the other copy")


def say_by_rule(core: Core, body: Body, precedence: int) -> None:
    """Says what a rule makes the node say: a receipt or a link."""
    draft = Draft(
        body.kind, precedence, None, (), core.genesis.everyone, "", core.wall_ms, None, statement.to_bytes(body)
    )  # fmt: skip
    author = core.state.author
    if author.ended:
        return
    seed = hmac.digest(author.secret, b"seed" + author.seeds.to_bytes(8, "big"), "sha256")
    author.seeds += 1
    _ask_signature(core, draft, seed, ())


def signed(core: Core, data: Signed) -> Entry | None:
    """The entry that a signature completes, taken into the record; None if the token is of no pending entry."""
    author = core.state.author
    if not author.pending or author.pending[0].token != data.token:
        return None
    pending = author.pending.pop(0)
    header = msgspec.msgpack.decode(pending.header, type=Header)
    raw = entries.assemble(pending.header, data.signature, pending.releases, pending.seed, pending.body)
    entry = Entry(
        raw, header, pending.header, data.signature, pending.releases, pending.seed, pending.body,
        tree.leaf_hash(pending.header),
    )  # fmt: skip
    ledger.take(core, entry, core.me)
    if header.kind not in BY_NODE:
        core.show("said", f"entry {header.seq} signed", entry.leaf, header.precedence, (pending.seed, header.seq))
    return entry


def _refusal(core: Core, data: Say) -> str:
    draft = data.draft
    if core.watches:
        return "this is a watch: it has no key of the line and says nothing; say it at a member's node"
    if not core.state.author.incarnation:
        return "the node has not started"
    if core.state.author.ended:
        return (
            f"{core.state.author.ended}: nothing more is signed by this process; start the node anew, then say it again"
        )
    if len(core.state.author.pending) >= MAX_PENDING:
        return f"{MAX_PENDING} statements wait for their signature; say it again when they are signed"
    if draft.to != core.genesis.everyone:
        return "a statement goes to all members of its line; a bilateral matter is a line of its own"
    if draft.kind in BY_NODE or draft.kind not in KINDS:
        return f"kind {draft.kind} is not an officer's to say"
    if draft.precedence not in PRECEDENCES:
        return f"precedence {draft.precedence} is none of FLASH, IMMEDIATE, PRIORITY, ROUTINE"
    hashes = [*draft.refs, *([] if draft.replaces is None else [draft.replaces])]
    if len(draft.refs) > entries.MAX_REFS or any(len(h) != 32 for h in hashes) or len(data.seed) != 32:
        return f"at most {entries.MAX_REFS} refs; hashes and the seed are 32 bytes"
    if len(data.releases) > entries.MAX_RELEASES or len(draft.seat.encode()) > statement.MAX_SEAT_BYTES:
        return f"at most {entries.MAX_RELEASES} releases and {statement.MAX_SEAT_BYTES} bytes of seat"
    if data.releases and data.epoch != core.state.keys.epoch:
        return f"released under key list {data.epoch}, our keys are those of {core.state.keys.epoch}: release it again"
    return _body_refusal(core, data)


def _body_refusal(core: Core, data: Say) -> str:
    try:
        statement.read(data.draft.kind, data.draft.body)
        root = entries.body_root(data.seed, data.draft.body)
        message = entries.release_message(core.genesis.line, core.state.keys.epoch, core.me, data.draft, root)
    except (statement.Unreadable, NotCanonical, entries.BadEntry) as error:
        return str(error)
    [keys, *_] = core.keys.at(core.me, core.state.keys.epoch)
    for release in data.releases:
        owner = keys[release.key] if 0 <= release.key < len(keys) else None
        if owner is None or owner.member != core.me or not owner.key.seat:
            return f"key {release.key} is no seat of {core.name(core.me)}"
        if not suite.verify_ed25519(owner.key.ed25519, message, release.signature):
            return f"the release of seat {owner.key.seat} does not fit what is to be said"
    if len(data.draft.body) + 1_500 > core.genesis.body.limits.entry_bytes:
        return (
            f"body of {len(data.draft.body)} bytes, the line's largest entry is {core.genesis.body.limits.entry_bytes}"
        )
    return ""


def _ask_signature(core: Core, draft: Draft, seed: bytes, releases: tuple[Release, ...]) -> None:
    author, epoch = core.state.author, core.state.keys.epoch
    index, key = core.keys.node_place(core.me, epoch)
    header = Header(
        suite=suite.SUITE,
        line=core.genesis.line,
        epoch=epoch,
        party=core.me,
        incarnation=author.incarnation,
        start=author.start,
        seq=author.next_seq,
        prev=author.last,
        seen=tuple(_seen(core, member) for member in range(len(core.genesis.names)) if member != core.me),
        wall_ms=core.wall_ms,
        wall_err_ms=core.state.now.wall_err_ms,
        precedence=draft.precedence,
        kind=draft.kind,
        replaces=draft.replaces,
        refs=draft.refs,
        to=draft.to,
        seat=draft.seat,
        valid_from_ms=draft.valid_from_ms,
        expiry_ms=draft.expiry_ms,
        body_root=entries.body_root(seed, draft.body),
        releases_hash=entries.releases_hash(releases),
        key=index,
    )
    data = msgspec.msgpack.encode(header)
    author.next_seq += 1
    author.last = tree.leaf_hash(data)
    author.tokens += 1
    author.pending.append(Pending(author.tokens, data, releases, seed, draft.body))
    core.emit(Sign(author.tokens, ED25519, entries.signing_message(data), key.ed25519))


def _seen(core: Core, member: int) -> Seen | None:
    incarnation = core.state.newest.get(member)
    if incarnation is None:
        return None
    return Seen(incarnation, core.books.books[member, incarnation].size, core.state.heard.get(member, 0))
