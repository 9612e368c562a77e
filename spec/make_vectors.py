"""Writes spec/vectors/*.json: what a second reader of the record is tested with. `python -m spec.make_vectors`.

Bytes are hex throughout. Every file is {"about": ..., cases}. A case that is not valid says in `why` what is wrong;
a reader has to refuse it, in whatever words. The same run gives the same bytes, but for one ML-DSA-44 signature,
which is randomised: the stored one is kept as long as it verifies.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from spec import ed25519_cases, evidence_cases
from tests.record import listed
from tests.record.build import (
    Line,
    draw,
    genesis_body,
    make_genesis,
    mldsa_key,
    notice,
    root_signatures,
    signing_key,
    small_line,
)  # fmt: skip
from tests.record.carry import bundle_of, signed
from tests.record.listed import list_body, stolen_line, with_ends

from keepclear.accord import canonical, statement
from keepclear.accord.statement import Precedence
from keepclear.line import sealing
from keepclear.record import bundle, checkpoint, entry, genesis, key_list, note, parts, suite, tree, verify
from keepclear.record.bundle import BadBundle
from keepclear.record.entry import Entry
from keepclear.record.genesis import Genesis, GenesisBody, RootSignature
from keepclear.record.key_list import Ending
from keepclear.record.note import KeyType

VECTORS = Path(__file__).resolve().parent / "vectors"
PAIR = ("ALFA", "BRAVO")
READER_SEED = bytes(range(96))
Json = dict[str, Any]
# The leaves of the certificate-transparency project's own tests, and the roots published with them.
CT_LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
CT_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


def canonical_vectors() -> Json:
    values: list[Any] = [
        None, False, True, 0, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**53 - 1, -1, -32, -33, -128, -129,
        -32_768, -32_769, -(2**31), -(2**31) - 1, -(2**53) + 1, "", "a", "a" * 31, "a" * 32, "a" * 256, "é警🛩", b"",
        b"\x00", bytes(255), bytes(256), [], [1, [2, [3]]], list(range(15)), list(range(16)), [[[[[[[[7]]]]]]]],
    ]  # fmt: skip
    invalid = {
        "": "no value", "cc05": "5 in two bytes", "d005": "5 in the form of a negative number", "d1ffff": "-1 in three",
        "cd00ff": "255 in three bytes", "ce0000ffff": "65535 in five", "cf00000000ffffffff": "2^32-1 in nine",
        "d3ffffffff80000000": "-2^31 in nine", "cf0020000000000000": "2^53", "d3ffe0000000000000": "-2^53",
        "cfffffffffffffffff": "2^64-1", "d90161": "string of 1 in its longer form", "da000161": "the same, longer",
        "c5000100": "bytes of 1 in a longer form", "dc000100": "array of 1 in a longer form", "91": "array not whole",
        "a261": "string not whole", "c40200": "bytes not whole", "cd00": "number not whole", "9000": "two values",
        "8101c0": "a map", "80": "an empty map", "cb3ff0000000000000": "a float", "ca3f800000": "a short float",
        "d40100": "an extension", "c1": "a byte that is never used", "a10a": "newline", "a17f": "delete",
        "a100": "a zero in a string", "a2c285": "U+0085, a control", "a1ff": "not UTF-8", "a2c080": "UTF-8, longer",
        "a3eda080": "a surrogate", "a4f4908080": "beyond U+10FFFF", "91" * 9 + "07": "nine arrays deep",
        "ddffffffff": "an array that cannot fit", "c6ffffffff": "bytes that cannot fit",
    }  # fmt: skip
    return {
        "about": 'canonical bytes and what is none; ["bytes", hex] stands for a byte string',
        "valid": [{"bytes": canonical.encode(value).hex(), "value": _plain(value)} for value in values],
        "invalid": [{"bytes": data, "why": why} for data, why in invalid.items()],
    }


def tree_vectors() -> Json:
    leaves = [tree.leaf_hash(bytes((n,)) * n) for n in range(17)]
    return {
        "about": "roots; `sizes`: leaf n is n bytes of value n; `published`: over the first n leaves",
        "sizes": [{"size": n, "root": tree.root_of(leaves[:n]).hex()} for n in range(18)],
        "published": {"leaves": list(CT_LEAVES), "roots": list(CT_ROOTS)},
    }


def ed25519_vectors() -> Json:
    return {"about": "Ed25519 under suite 1's rule of validity", "cases": ed25519_cases.cases()}


def mldsa_vectors(stored: Json | None) -> Json:
    key, message = mldsa_key("vectors"), b"keepclear"
    public = key.public_key().public_bytes_raw()
    signature = bytes.fromhex(stored["signature"]) if stored else b""
    if not suite.verify_mldsa(public, message, signature):
        signature = key.sign(message)
    return {
        "about": "one ML-DSA-44 signature, FIPS 204 with empty context",
        "key": public.hex(),
        "message": message.hex(),
        "signature": signature.hex(),
    }


def genesis_vectors() -> Json:
    document = make_genesis(PAIR, roots=3, threshold=2, observers=())
    valid = [_genesis_case("two parties, two of three roots each", document)]
    valid.append(_genesis_case("a party and an observer", make_genesis(("ALFA", "WITNESS"))))
    items = canonical.decode(genesis.to_bytes(_body()))
    later = canonical.encode([*items, "something later"])
    valid.append(_genesis_case("an unknown item at the end", genesis.document(later, root_signatures(later, PAIR))))
    first, *others = _body().members
    promised = msgspec.structs.replace(first, next=key_list.commitment(listed.node_key("ALFA", "node.1")))
    valid.append(_genesis_case("a next node key committed to", _signed(_body(members=(promised, *others)))))
    invalid = [{"why": why, "document": data.hex()} for why, data in _bad_genesis().items()]
    return {"about": "genesis documents and the line that each makes", "valid": valid, "invalid": invalid}


def entry_vectors() -> Json:
    line = Line(make_genesis(PAIR, observers=(), seats=("duty", "chief", "watch"), entry_bytes=2_048))
    valid = [_entry_case(name, one) for name, one in _good_entries(line).items()]
    invalid = [{"why": why, "entry": raw.hex()} for why, raw in _bad_entries(line).items()]
    return {
        "about": "entries by themselves, whatever stands before them; not whether the statement can be read",
        "genesis": line.genesis.document.hex(),
        "line": line.genesis.line.hex(),
        "valid": valid,
        "invalid": invalid,
    }


def note_vectors() -> Json:
    line = small_line()
    verified = line.notes[0, line.incarnation(0), 1]
    found = verified.checkpoint
    return {
        "about": "checkpoints; `signers`: [member, type, time] in the one form; `one_form`: whether the note is in it",
        "genesis": line.genesis.document.hex(),
        "valid": [
            {
                "name": name,
                "note": raw.decode(),
                "party": found.party,
                "incarnation": found.incarnation.hex(),
                "size": found.size,
                "root": found.root.hex(),
                "signers": [
                    [one.key.member, one.key.type, one.time_s] for one in checkpoint.verify(line.genesis, raw).signers
                ],
                "one_form": checkpoint.verify(line.genesis, raw).raw == raw,
            }
            for name, raw in _good_notes(line, verified).items()
        ],
        "invalid": [{"why": why, "note": raw.decode()} for why, raw in _bad_notes(verified).items()],
    }


def record_vectors() -> Json:
    line = small_line()
    record = line.record()
    report = verify.verify([record])
    starts = _item_starts(record)
    return {
        "about": "one record of four entries and two checkpoints; `cut_at` are the bytes at which it may be cut short",
        "record": record.hex(),
        "joint": report.joint().hex(),
        "logbooks": [
            [book.party, book.start, book.incarnation.hex(), book.size, book.frontier.root().hex()]
            for book in report.logbooks.all()
        ],
        "cut_at": [*starts[1:], len(record)],
        "cut_joint": [verify.verify([record[:at]]).joint().hex() for at in [*starts[1:], len(record)]],
    }


def bundle_vectors(stored: Json | None) -> Json:
    line = small_line()
    data = bundle_of(line)
    key = sealing.reader_key(READER_SEED)
    sealed = bytes.fromhex(stored["sealed"]) if stored else b""
    try:  # sealing draws randomness: the stored one is kept as long as it opens
        kept = sealing.open_sealed(sealed, line.genesis.line, key) == data
    except BadBundle:
        kept = False
    if not kept:
        sealed = sealing.seal(data, line.genesis.line, key.public, draw("secret"))
    sign = signing_key("BRAVO", "node")
    return {
        "about": "one bundle of four entries, in parts of 600 bytes, and sealed to BRAVO, who has `card` and `seed`",
        "genesis": line.genesis.document.hex(),
        "bundle": data.hex(),
        "header": [line.genesis.line.hex(), 0, line.incarnation(0).hex(), line.clock_ms, 50, 4],
        "leaves": [one.leaf.hex() for one in bundle.read(data, line.genesis).entries],
        "parts": [part.hex() for part in parts.cut(data, line.genesis.line, 600)],
        "seed": READER_SEED.hex(),
        "card": sealing.card(line.genesis, 1, "BRAVO", key.public, lambda m: sign.sign(m).signature).hex(),
        "sealed": sealed.hex(),
        "invalid": [{"why": why, "bundle": bad.hex()} for why, bad in _bad_bundles(line, data).items()],
        "invalid_parts": [{"why": why, "part": bad.hex()} for why, bad in _bad_parts(line, data).items()],
    }


def keys_vectors() -> Json:
    line, past = stolen_line()
    data = line.record()
    report = verify.verify([data])
    assert report.sound, report.faults
    assert report.keys is not None
    return {
        "about": "key lists of a line of two of three roots, and a record in which ALFA's first key was stolen",
        "genesis": line.genesis.document.hex(),
        "valid": [
            {"document": one.document.hex(), "id": one.id.hex(), "member": one.body.member, "number": one.body.number}
            for one in report.keys.lists(0)
        ],
        "invalid": [{"why": why, "document": bad.hex()} for why, bad in _bad_lists(line).items()],
        "record": data.hex(),
        "joint": report.joint().hex(),
        "past": past,
    }


def _by_node(data: bytes) -> bytes:
    return signing_key("ALFA", "node").sign(key_list.signing_message(data)).signature


def _bad_lists(line: Line) -> dict[str, bytes]:
    body, change = list_body(line), msgspec.structs.replace
    data, marks = canonical.decode(listed.signed(line, body))
    inc, old = line.incarnation(0), bytes(signing_key("ALFA", "node").verify_key)
    small = bytes([1]) + bytes(31)

    def made(**changes: Any) -> bytes:
        return listed.signed(line, change(body, **changes))

    def ends(*ends: Ending) -> bytes:
        return listed.signed(line, with_ends(line, ends))

    node, duty, chief = body.keys
    return {
        "one root of the two that are needed": canonical.encode([data, marks[:1]]),
        "one root twice": canonical.encode([data, [marks[0], marks[0]]]),
        "the roots out of sequence": canonical.encode([data, marks[::-1]]),
        "a root that there is not": canonical.encode([data, [marks[0], [3, marks[1][1]]]]),
        "the roots of BRAVO": listed.signed(line, body, by="BRAVO"),
        "signed by the node": canonical.encode([data, [[0, _by_node(data)], marks[1]]]),
        "a third item beside list and signatures": canonical.encode([data, marks, 0]),
        "another number than was signed": canonical.encode([canonical.encode(change(body, number=2)), marks]),
        "number 0": made(number=0),
        "number 65 536": made(number=65_536),
        "another magic": made(magic="keepclear/key-list/2"),
        "another line": made(line=bytes(32)),
        "a member that there is not": listed.signed(line, change(body, member=3), by="ALFA"),
        "no node key": made(keys=(duty, chief)),
        "two node keys": made(keys=(node, listed.node_key("ALFA", "node.2"), chief)),
        "two seats of one name": made(keys=(node, duty, change(chief, seat="duty"))),
        "one key for two seats": made(keys=(node, duty, change(duty, seat="chief"))),
        "a node key without its ML-DSA-44 half": made(keys=(change(node, mldsa=b""), duty)),
        "a root as a seat's key": made(keys=(node, change(duty, ed25519=line.genesis.body.members[0].roots[0]))),
        "a key of BRAVO's": made(keys=(node, listed.seat_key("BRAVO", "duty"))),
        "a key of small order": made(keys=(node, change(duty, ed25519=small))),
        "a next key of 31 bytes": made(next=bytes(31)),
        "an incarnation of 7 bytes": ends(Ending(old, ((inc[:7], 1),))),
        "a size of -1": ends(Ending(old, ((inc, -1),))),
        "a key of 31 bytes that ends": ends(Ending(old[:31], ())),
        "one key that ends twice": ends(Ending(old, ()), Ending(old, ())),
        "incarnations out of sequence": ends(Ending(old, ((bytes([9]) * 8, 1), (bytes(8), 1)))),
        "17 keys that end": ends(*(Ending(bytes([n]) * 32, ()) for n in range(17))),
    }


FILES: dict[str, Callable[[], Json]] = {
    "canonical": canonical_vectors,
    "tree": tree_vectors,
    "ed25519": ed25519_vectors,
    "mldsa": lambda: mldsa_vectors(stored("mldsa")),
    "genesis": genesis_vectors,
    "entry": entry_vectors,
    "note": note_vectors,
    "record": record_vectors,
    "bundle": lambda: bundle_vectors(stored("bundle")),
    "evidence": evidence_cases.vectors,
    "keys": keys_vectors,
}


def stored(name: str) -> Json | None:
    """What a vector file holds now, or None when there is none."""
    path = VECTORS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def to_text(vectors: Json) -> str:
    return json.dumps(vectors, indent=1, ensure_ascii=True) + "\n"


def main() -> None:
    for name, make in FILES.items():
        (VECTORS / f"{name}.json").write_text(to_text(make()))


# -- genesis -------------------------------------------------------------------------------------------------------


def _body(**changes: Any) -> GenesisBody:
    return msgspec.structs.replace(genesis_body(PAIR, observers=()), **changes)


def _signed(body: GenesisBody) -> bytes:
    data = genesis.to_bytes(body)
    return genesis.document(data, root_signatures(data, [m.name for m in body.members]))


def _genesis_case(name: str, document: bytes) -> Json:
    made = Genesis.read(document)
    return {
        "name": name,
        "document": document.hex(),
        "line": made.line.hex(),
        "mode": made.body.mode,
        "members": [[m.name, m.role, m.threshold, len(m.roots)] for m in made.body.members],
        "keys": [[owner.member, owner.key.seat, owner.key.ed25519.hex()] for owner in made.keys],
    }


def _bad_genesis() -> dict[str, bytes]:
    body = _body()
    one, two = body.members
    data = genesis.to_bytes(body)
    signatures = root_signatures(data, PAIR)
    change = msgspec.structs.replace

    def member(**changes: Any) -> bytes:
        return _signed(_body(members=(change(one, **changes), two)))

    node, seat = one.keys[0], one.keys[1]
    neutral = bytes((1,)) + bytes(31)
    flipped = change(signatures[0], signature=bytes((signatures[0].signature[0] ^ 1,)) + signatures[0].signature[1:])
    return {
        "nothing": b"",
        "BRAVO has not signed": genesis.document(data, signatures[:1]),
        "ALFA's signature is another's": canonical.encode([data, [change(signatures[1], member=0), signatures[1]]]),
        "a bit of a signature": genesis.document(data, [flipped, signatures[1]]),
        "signatures out of sequence": canonical.encode([data, signatures[::-1]]),
        "a signature twice": canonical.encode([data, [signatures[0], *signatures]]),
        "a signature of no root": genesis.document(data, [*signatures, RootSignature(1, 7, b"")]),
        "a signature with a fourth item": canonical.encode([data, [[0, 0, signatures[0].signature, 0], signatures[1]]]),
        "a signature that is a string": canonical.encode([data, [[0, 0, "AAAA"], signatures[1]]]),
        "a third item beside body and signatures": canonical.encode([data, signatures, 0]),
        "another magic": _signed(_body(magic="keepclear/genesis/2")),
        "suite 2": _signed(_body(suite=2)),
        "mode 3": _signed(_body(mode=3)),
        "salt of 15 bytes": _signed(_body(salt=bytes(15))),
        "entries of 2 047 bytes at most": _signed(_body(limits=genesis.Limits(2_047))),
        "one member": _signed(_body(members=(one,))),
        "the same name twice": member(name="BRAVO"),
        "name of 17 bytes": member(name="A" * 17),
        "name with a no-break space": member(name="AL\u00a0FA"),
        "name with a plus": member(name="AL+FA"),
        "name with a slash": member(name="AL/FA"),
        "role 2": member(role=2),
        "two of one roots": member(threshold=2),
        "none of one roots": member(threshold=0),
        "a next key of 31 bytes": member(next=bytes(31)),
        "no node key": member(keys=(seat,)),
        "two node keys": member(keys=(node, change(node, ed25519=seat.ed25519))),
        "two seats of one name": member(keys=(node, seat, change(one.keys[2], seat="duty"))),
        "one key for node and seat": member(keys=(node, change(seat, ed25519=node.ed25519))),
        "a key of small order": member(keys=(change(node, ed25519=neutral),)),
        "a seat with an ML-DSA half": member(keys=(node, change(seat, mldsa=node.mldsa))),
        "a node without an ML-DSA half": member(keys=(change(node, mldsa=b""),)),
        "not canonical": b"\x92" + b"\xc6" + len(data).to_bytes(4, "big") + data + canonical.encode(signatures),
    }  # fmt: skip


# -- entries -------------------------------------------------------------------------------------------------------


def _entry_case(name: str, one: Entry) -> Json:
    return {
        "name": name,
        "entry": one.raw.hex(),
        "header": _plain(canonical.decode(one.header_bytes)),
        "leaf": one.leaf.hex(),
        "body_root": one.header.body_root.hex(),
    }


def _good_entries(line: Line) -> dict[str, Entry]:
    first = line.say(0, notice())
    out = {"a notice, the first entry of all": first}
    line.clock_ms += 1_000
    out["an acknowledgement, with what was seen"] = line.say(1, statement.Acknowledgement(step=1), refs=(first.leaf,))
    amend = statement.Amend(**{f: getattr(notice("Later"), f) for f in notice().__struct_fields__})
    out["FLASH, released by two seats, replaces, refs, expiry"] = line.say(
        0, amend, precedence=Precedence.FLASH, releasing=("duty", "chief"), replaces=first.leaf,
        refs=(first.leaf, draw("ref")), expiry_ms=line.clock_ms + 60_000,
    )  # fmt: skip
    plain = line.sign(0, line.draft(notice()))
    out["an unknown kind with a body of 17 leaves"] = _made(line, plain, {"kind": 99}, body=[None, None, *range(15)])
    out["a notice with an item that is not known yet"] = _made(
        line, plain, body=[*canonical.decode(plain.body), ["later", b"\x01"]]
    )
    out["a header with an item that is not known yet"] = _made(line, plain, extra=["later"])
    out["a body of no leaves"] = _made(line, plain, {"kind": 99}, body=[])
    return out


def _bad_entries(line: Line) -> dict[str, bytes]:
    draft = line.draft(notice())
    plain = line.sign(0, draft)
    two = line.sign(0, draft, ("duty", "chief"))
    other = line.sign(1, line.draft(notice()), ("duty",))
    wire = canonical.decode(plain.raw)
    out = _flipped(plain)
    headers: dict[str, dict[str, Any]] = {
        "suite 2": {"suite": 2},
        "another line": {"line": draw("another line")},
        "a party that is not there": {"party": 2},
        "the key of the other party": {"key": line.genesis.node_key(1)},
        "the key of a seat": {"key": line.genesis.node_key(0) + 1},
        "nobody else seen, but there is one": {"seen": ()},
        "incarnation of 7 bytes": {"incarnation": bytes(7)},
        "seen with an incarnation of 7 bytes": {"seen": ([bytes(7), 0, 0],)},
        "seen with a negative size": {"seen": ([bytes(8), -1, 0],)},
        "the third entry, after nothing": {"prev": bytes(32)},
        "the first entry, after something": {"seq": 0},
        "seq -1": {"seq": -1},
        "clock error -1": {"wall_err_ms": -1},
        "kind -1": {"kind": -1},
        "epoch -1": {"epoch": -1},
        "start -1": {"start": -1},
        "to one of two": {"to": 1},
        "precedence 0": {"precedence": 0},
        "precedence 5": {"precedence": 5},
        "seat of 17 bytes": {"seat": "a" * 17},
        "replaces nothing, in no bytes": {"replaces": b""},
        "a ref of 31 bytes": {"refs": (bytes(31),)},
        "three refs": {"refs": (bytes(32),) * 3},
        "prev as a string": {"prev": "A" * 32},
        "seq as true": {"seq": True},
        "a releases hash without releases": {"releases_hash": bytes(32)},
        "another body root": {"body_root": bytes(32)},
    }
    out |= {why: _made(line, plain, changes).raw for why, changes in headers.items()}
    out |= {
        "no releases, but a hash of them": _wire(two, releases=[]),
        "releases out of their sequence": _wire(two, releases=[*reversed(canonical.decode(two.raw)[2])]),
        "released by the node key": _released(line, draft, [("ALFA", "")]),
        "released by the other party": _released(line, draft, [("BRAVO", "duty")]),
        "released twice by one seat": _released(line, draft, [("ALFA", "duty")] * 2),
        "released by three": _released(line, draft, [("ALFA", "duty"), ("ALFA", "chief"), ("ALFA", "watch")]),
        "released for another body": _made(line, two, body=[*canonical.decode(two.body), 1]).raw,
        "BRAVO's signature on ALFA's header": _wire(plain, signature=other.signature),
        "an item too many": canonical.encode([*wire, None]),
        "an item too few": canonical.encode(wire[:4]),
        "a release with an item too many": _wire(two, releases=[[*one, 0] for one in canonical.decode(two.raw)[2]]),
        "the signature as a string": _wire(plain, signature="A" * 64),
        "a withheld body: reserved": _wire(plain, seed=b""),
        "seed of 31 bytes": _wire(plain, seed=plain.seed[:31]),
        "a body that is no array": _made(line, plain, body=7).raw,
        "a body of 33 leaves": _made(line, plain, body=[0] * 33).raw,
        "a body of bytes": _wire(plain, body=b"\xc4\x01\x00"),
        "a newline in the body": _made(line, plain, body_bytes=b"\x93\xc0\xc0\xa1\n").raw,
        "a body that is not UTF-8": _made(line, plain, body_bytes=b"\x93\xc0\xc0\xa1\xff").raw,
        "a body not in its shortest form": _made(line, plain, body_bytes=b"\x93\xc0\xc0\xcc\x07").raw,
        "a header that is not UTF-8 where nobody looks": _made(line, plain, tail=b"\xa1\xff").raw,
        "one byte after the entry": plain.raw + b"\x00",
        "one byte short": plain.raw[:-1],
        "more bytes than the genesis allows": _made(line, plain, {"kind": 99}, body=[bytes(2_048)]).raw,
    }  # fmt: skip
    return out


def _flipped(plain: Entry) -> dict[str, bytes]:
    """A bit changed in each part of an entry."""
    out = {}
    time = canonical.encode(plain.header.wall_ms)
    parts = {"wall time": time, "signature": plain.signature, "seed": plain.seed, "body": plain.body}
    for name, part in parts.items():
        at = plain.raw.index(part) + len(part) - 1
        out[f"a bit of the {name}"] = plain.raw[:at] + bytes((plain.raw[at] ^ 1,)) + plain.raw[at + 1 :]
    return out


def _made(
    line: Line, model: Entry, changes: dict[str, Any] | None = None, *, body: Any = None,
    body_bytes: bytes | None = None, extra: list[Any] | None = None, tail: bytes = b"",
) -> Entry:  # fmt: skip
    """The model with another header and body, signed by its author, right or not; `tail` is one more raw item."""
    if body_bytes is None:
        body_bytes = model.body if body is None else msgspec.msgpack.encode(body)
    fields = {f: getattr(model.header, f) for f in model.header.__struct_fields__}
    fields["body_root"] = _body_root(model.seed, body_bytes)
    items = [*{**fields, **(changes or {})}.values(), *(extra or [])]
    header = msgspec.msgpack.encode(items)
    if tail:
        header = b"\xdc" + (len(items) + 1).to_bytes(2, "big") + header[3:] + tail
    signature = (
        signing_key(line.genesis.names[model.header.party], "node").sign(entry.signing_message(header)).signature
    )
    raw = entry.assemble(header, signature, model.releases, model.seed, body_bytes)
    return msgspec.structs.replace(
        model, raw=raw, header_bytes=header, signature=signature, body=body_bytes, leaf=tree.leaf_hash(header),
        header=msgspec.structs.replace(model.header, body_root=fields["body_root"]),
    )  # fmt: skip


def _body_root(seed: bytes, body: bytes) -> bytes:
    """The root that a body would have, also of what is no right body."""
    try:
        value = msgspec.msgpack.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return bytes(32)
    items = value if isinstance(value, list) else [value]
    width = next(n for n in (16, 32, 64) if len(items) <= n)
    leaves = [msgspec.msgpack.encode(item) for item in items] + [b""] * (width - len(items))
    salted = zip(entry.salts(seed, width), leaves, strict=True)
    return tree.root_of(tree.leaf_hash(salt + leaf) for salt, leaf in salted)


def _wire(model: Entry, **changes: Any) -> bytes:
    items = dict(zip(("header", "signature", "releases", "seed", "body"), canonical.decode(model.raw), strict=True))
    return canonical.encode(list({**items, **changes}.values()))


def _released(line: Line, draft: entry.Draft, seats: list[tuple[str, str]]) -> bytes:
    """An entry of ALFA's with releases by these (member, seat; "" is the node), each valid by itself."""
    plain = line.sign(0, draft)
    message = entry.release_message(line.genesis.line, 0, 0, draft, plain.header.body_root)
    releases = []
    for name, seat in seats:
        index = line.genesis.seat_key(line.genesis.names.index(name), seat)
        assert index is not None
        releases.append(entry.Release(index, signing_key(name, seat or "node").sign(message).signature))
    made = line.sign(0, draft, headers={"releases_hash": entry.releases_hash(tuple(releases))})
    return _wire(made, releases=releases)


# -- notes and records -----------------------------------------------------------------------------------------------


def _good_notes(line: Line, verified: checkpoint.Verified) -> dict[str, bytes]:
    found = verified.checkpoint
    stranger = note.Signature("example.com/stranger", b"\x01\x02\x03\x04", bytes(64))
    lines = [one.signature for one in verified.signers]
    later = line.note_line(found, checkpoint.key(line.genesis, 1, KeyType.COSIGNATURE), line.clock_ms // 1_000 + 60)
    return {
        "author and two cosigners": verified.raw,
        "the author alone": checkpoint.put_together(line.genesis, found, [verified.signers[0].signature]),
        "a stranger's signature": note.format_note(note.Note(verified.text, (*lines, stranger))),
        "signatures out of sequence": note.format_note(note.Note(verified.text, tuple(reversed(lines)))),
        "BRAVO twice, a minute apart": note.format_note(note.Note(verified.text, (*lines[:2], later, *lines[2:]))),
    }


def _bad_notes(verified: checkpoint.Verified) -> dict[str, bytes]:
    raw, found = verified.raw, verified.checkpoint
    author, bravo, _ = (one.signature for one in verified.signers)
    value = bytearray(bravo.value)
    value[7] ^= 1
    other_time = note.Signature(bravo.name, bravo.key_id, bytes(value))

    def with_text(text: str) -> bytes:
        """A text signed by ALFA, whatever it says."""
        signature = signing_key("ALFA", "node").sign(text.encode()).signature
        return note.format_note(note.Note(text, (note.Signature(author.name, author.key_id, signature),)))

    first, size, root, _ = verified.text.split("\n")
    return {
        "no signature": verified.text.encode() + b"\n",
        "no empty line": raw.replace(b"\n\n", b"\n"),
        "no newline at the end": raw[:-1],
        "a carriage return": raw.replace(b"\n", b"\r\n"),
        "a tab in the text": with_text(f"{first}\t\n{size}\n{root}\n"),
        "not signed by its author": note.format_note(note.Note(verified.text, (bravo,))),
        "a cosignature with another time": note.format_note(note.Note(verified.text, (author, other_time))),
        "another size": raw.replace(b"\n1\n", b"\n2\n"),
        "size with a zero before it": with_text(f"{first}\n01\n{root}\n"),
        "size with a sign": with_text(f"{first}\n+1\n{root}\n"),
        "an extension line": with_text(f"{first}\n{size}\n{root}\nmore\n"),
        "root of 31 bytes": with_text(f"{first}\n{size}\n{root[:40]}AA==\n"),
        "root with unused bits set": with_text(f"{first}\n{size}\n{root[:-2]}{chr(ord(root[-2]) + 1)}=\n"),
        "another line": with_text(f"keepclear/{'00' * 32}/ALFA/{found.incarnation.hex()}\n{size}\n{root}\n"),
        "an unknown member": with_text(f"{first.replace('ALFA', 'ZULU')}\n{size}\n{root}\n"),
        "incarnation in capitals": with_text(f"{first[:-16]}{first[-16:].upper()}\n{size}\n{root}\n"),
        "a minus for the em dash": raw.replace("—".encode(), b"-", 1),
        "two spaces": raw.replace("— ".encode(), "—  ".encode(), 1),
        "a word after the signature": raw[:-1] + b" more\n",
        "base64 without its padding": raw.replace(b"=\n", b"\n"),
        "a signature cut short": note.format_note(
            note.Note(verified.text, (note.Signature(author.name, author.key_id, author.value[:63]),))
        ),
        "seventeen signatures": note.format_note(note.Note(verified.text, (author,) * 17)),
    }  # fmt: skip


def _bad_bundles(line: Line, data: bytes) -> dict[str, bytes]:
    unsigned, held = data[:-64], bundle.in_sequence(line.entries(0))
    raws = [one.raw for one in held]
    header = bundle.Header(line.genesis.line, 0, line.incarnation(0), line.clock_ms, 50, 4)
    change = msgspec.structs.replace

    def made(raws: list[bytes], **changes: Any) -> bytes:
        return signed(line, 0, bundle.body(change(header, **changes), raws))

    longer = canonical.encode([*canonical.decode(canonical.encode(header)), 0])
    return {
        "nothing": b"",
        "a record file": line.record(),
        "cut by one byte": data[:-1],
        "one byte more": data + b"\x00",
        "not signed": unsigned + bytes(64),
        "signed by BRAVO, and says it is of ALFA": signed(line, 1, unsigned),
        "another line": made([], line=bytes(32), count=0),
        "a member that there is not": made(raws, sender=3),
        "a start of seven bytes": made(raws, incarnation=bytes(7)),
        "five entries in the header": made(raws, count=5),
        "an entry that is none": made([*raws[:3], raws[3][:-1]]),
        "an entry with a bit changed": made([*raws[:3], raws[3][:-1] + bytes((raws[3][-1] ^ 1,))]),
        "an item that goes on beyond the end": signed(line, 0, unsigned + b"\x00\x00\x00\x09"),
        "the header is longer than the bytes": signed(line, 0, bundle.MAGIC + b"\x00\x00\x01\x01" + longer),
    }


def _bad_parts(line: Line, data: bytes) -> dict[str, bytes]:
    part = parts.cut(data, line.genesis.line, 600)[1]
    flipped = bytearray(part)
    flipped[-1] ^= 1
    return {
        "nothing": b"",
        "a bundle": data,
        "cut by one byte": part[:-1],
        "a bit of the share": bytes(flipped),
        "a head and no more": part[: parts.HEAD_BYTES],
        "number 3 of 3, from 0 on": parts._part(parts.Part(line.genesis.line[:8], bytes(16), 3, 3, b"x")),
    }


def _item_starts(record: bytes) -> list[int]:
    """Where each item begins: read from the lengths alone."""
    at, out = record.index(b"\n") + 1, []
    while at < len(record):
        out.append(at)
        at += 4 + int.from_bytes(record[at : at + 4], "big")
    return out


def _plain(value: Any) -> Any:
    """A value as JSON can hold it."""
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


if __name__ == "__main__":
    main()
