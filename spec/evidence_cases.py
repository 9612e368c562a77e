"""Files of evidence, good and bad, for spec/vectors/evidence.json: one for each rule, and what must prove nothing."""

from collections.abc import Sequence
from typing import Any

import msgspec
from tests.record import build
from tests.record.build import Line, notice

from keepclear.accord import canonical, statement
from keepclear.record import checkpoint, entry, evidence, proofs, tree
from keepclear.record.checkpoint import Checkpoint
from keepclear.record.entry import Entry
from keepclear.record.evidence import Evidence, Noted, Path, Piece
from keepclear.record.judge import judge
from keepclear.record.note import KeyType

Json = dict[str, Any]
A, B, WITNESS = 0, 1, 2


def made(like: Entry, who: int, **changes: Any) -> Entry:
    """An entry like another, its header changed and signed anew, without releases."""
    data = canonical.encode(msgspec.structs.replace(like.header, **{"releases_hash": None, **changes}))
    signature = build.signing_key(build.NAMES[who], "node").sign(entry.signing_message(data)).signature
    return entry.read(entry.assemble(data, signature, (), like.seed, like.body), canonical.MAX_BYTES)


def vectors() -> Json:
    """The vector file: `proven` is [rule, member] of everything that a file proves, in the sequence of the rules."""
    line = _talk()
    files = {name: Evidence(line.genesis.document, tuple(pieces)) for name, pieces in _pieces(line).items()}
    valid = [
        {
            "name": name, "file": evidence.to_bytes(one).hex(),
            "proven": [[found.rule.name.lower(), found.party] for found in judge(one).proven],
        }
        for name, one in files.items()
    ]  # fmt: skip
    whole = evidence.to_bytes(files["two entries in one place"])
    chained = files["a checkpoint that is not of its entries"]
    return {
        "about": "files of evidence and what they prove; a bad one proves nothing, whatever stands in it",
        "line": line.genesis.line.hex(), "valid": valid,
        "invalid": [{"why": why, "file": data.hex()} for why, data in _bad(line, whole, chained).items()],
    }  # fmt: skip


def _talk() -> Line:
    line = Line()
    for number in range(3):
        line.say(A, notice(f"number {number}"))
        line.clock_ms += 1_000
        line.receipt(B, A)
    return line


def _pieces(line: Line) -> dict[str, Sequence[Piece]]:
    one, two, three = line.book(A).entries
    book, [_, _, receipt] = line.book(A), line.book(B).entries
    at = Checkpoint(A, book.incarnation, 3, b"\x01" * 32)
    false = checkpoint.put_together(
        line.genesis, at, [line.note_line(at, checkpoint.key(line.genesis, A, KeyType.ED25519))]
    )
    sign = evidence.signed
    path = Path(two.leaf, 1, 3, tuple(tree.path_of([e.leaf for e in book.entries], 1)))
    noted = proofs.search(line.genesis, line.views[WITNESS], [], [(three.raw, false)])[0].evidence.pieces
    true = line.sign_checkpoint(A, cosigners=(WITNESS,))
    denying = line.sign(B, line.draft(notice("never heard of it")))
    seen = tuple(None if s is None else msgspec.structs.replace(s, size=1) for s in denying.header.seen)
    dated = made(three, A, wall_ms=three.header.wall_ms - 600_000)
    other = build.draw("incarnation", "ALFA", 1)[:8]
    link = line.sign(A, line.draft(statement.Link(answered=6, old=((other, 1, 0, tree.EMPTY_ROOT, (), ()),))))
    back = line.draft(statement.Link(answered=6, old=((book.incarnation, 0, 3, book.root(3), (), ()),)))
    answering = line.sign(A, back, headers={"incarnation": other, "start": 1, "seq": 0, "prev": entry.NO_PREV})
    body = statement.read(receipt.header.kind, receipt.body)
    assert isinstance(body, statement.Receipt)
    lying = line.sign(B, line.draft(msgspec.structs.replace(body, root=b"\x05" * 32)))
    chain = proofs.search(line.genesis, line.views[WITNESS], [], [(lying.raw,)])[0].evidence.pieces
    return {
        "two entries in one place": (sign(two), sign(made(two, A, wall_ms=5))),
        "a chain that does not join": (sign(two), sign(made(three, A, prev=b"\x07" * 32))),
        "two start numbers": (sign(one), sign(made(two, A, start=7))),
        "a checkpoint that is not of its entries": noted,
        "two checkpoints of one size": (Noted(false), Noted(true.raw)),
        "two starts that name each other": (evidence.stated(link), evidence.stated(answering)),
        "less held than before": (sign(receipt), sign(made(denying, B, seen=seen))),
        "a receipt for other entries": chain,
        "said before what stands before it": (sign(two), sign(dated)),
        "had, by a receipt": (sign(two), evidence.stated(receipt), path),
        "had, by a cosignature": (sign(two), Noted(true.raw), path),
        "nothing: one entry, twice": (sign(two), sign(two)),
        "nothing: two entries that follow each other": (sign(one), sign(two)),
        "nothing: a checkpoint alone": (Noted(true.raw),),
    }


def _bad(line: Line, whole: bytes, chained: Evidence) -> dict[str, bytes]:
    encode, start = msgspec.msgpack.encode, len(evidence.MAGIC)
    document, pieces = canonical.decode(whole[start:], evidence.MAX_EVIDENCE_BYTES)
    [nth] = [n for n, piece in enumerate(chained.pieces) if isinstance(piece, evidence.Chain)]
    chain = chained.pieces[nth]
    assert isinstance(chain, evidence.Chain)
    shorter = (*chained.pieces[:nth], msgspec.structs.replace(chain, headers=chain.headers[:-1]))
    moved = (*chained.pieces[:nth], msgspec.structs.replace(chain, first=1), *chained.pieces[nth + 1 :])
    unsigned = [pieces[0], [1, pieces[1][1], bytes(64)]]
    return {
        "no first line": whole[start:],
        "a record's first line": b"keepclear-record/1\n" + whole[start:],
        "cut short": whole[:-1],
        "a byte behind": whole + b"\x00",
        "a changed bit in a header": whole[:-150] + bytes((whole[-150] ^ 1,)) + whole[-149:],
        "a signature of zeros": whole[:start] + encode([document, unsigned]),
        "three items": whole[:start] + encode([document, pieces, None]),
        "a piece with a sixth item": whole[:start] + encode([document, [[*pieces[0], b""], pieces[1]]]),
        "a piece of an unknown kind": whole[:start] + encode([document, [[9, b""], *pieces]]),
        "65 pieces": whole[:start] + encode([document, pieces[:1] * 65]),
        "another line's genesis": whole[:start] + encode([build.make_genesis(build.NAMES[:2], observers=()), pieces]),
        "a chain whose last header is not signed here": whole[:start] + encode([line.genesis.document, shorter]),
        "a chain on what was not signed": whole[:start] + encode([line.genesis.document, moved]),
    }
