"""Evidence: what a few signed pieces prove to somebody who has nothing else, and what they must not."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.record import build, listed
from tests.record.build import Line, notice

from keepclear.accord import canonical, statement
from keepclear.record import checkpoint, evidence, proofs, tree
from keepclear.record import entry as entries
from keepclear.record.checkpoint import Checkpoint
from keepclear.record.entry import Entry
from keepclear.record.evidence import BadEvidence, Evidence, Noted, Path, Stated
from keepclear.record.judge import Rule, judge
from keepclear.record.logbook import Logbooks
from keepclear.record.note import KeyType
from keepclear.record.proofs import Proof

A, B, WITNESS = 0, 1, 2


def found(line: Line, holder: int = WITNESS, *pairs: tuple[bytes, ...]) -> list[Proof]:
    notes = [verified.raw for verified in line.notes.values()]
    proofs_ = proofs.search(line.genesis, line.views[holder], notes, pairs)
    for proof in proofs_:
        again = judge(evidence.read(evidence.to_bytes(proof.evidence)))
        assert set(proof.proven) <= set(again.proven), "what was found is what a stranger finds in the file"
    return proofs_


def rules(proofs_: list[Proof]) -> list[Rule]:
    return [one.rule for proof in proofs_ for one in proof.proven]


def forged(line: Line, who: int, like: Entry, **changes: Any) -> Entry:
    """An entry like another, signed by the member's own key, with its header changed and without releases."""
    header = msgspec.structs.replace(like.header, **{"releases_hash": None, **changes})
    data = canonical.encode(header)
    signature = build.signing_key(line.genesis.names[who], "node").sign(entries.signing_message(data)).signature
    return entries.read(entries.assemble(data, signature, (), like.seed, like.body), canonical.MAX_BYTES)


def talk(count: int = 5) -> Line:
    """A says some notices, B and the observer receipt each."""
    line = Line()
    for number in range(count):
        line.say(A, notice(f"number {number}"))
        line.clock_ms += 1_000
        line.receipt(B, A)
        line.receipt(WITNESS, A)
    return line


def test_an_honest_line_proves_nothing_against_anybody() -> None:
    line = talk()
    line.sign_checkpoint(A, cosigners=(B, WITNESS))
    line.restart(B)
    line.say(B, notice("after a start"))
    line.receipt(B, A)
    assert found(line) == []


def test_two_entries_in_one_place_are_proved_by_their_headers_alone() -> None:
    line = talk()
    one = line.book(A).entries[2]
    other = forged(line, A, one, wall_ms=one.header.wall_ms + 1)
    [proof] = found(line, WITNESS, (one.raw, other.raw))
    assert rules([proof]) == [Rule.SLOT]
    assert proof.proven[0].party == A
    assert "number 2" in proof.proven[0].text
    assert b"number 2" not in evidence.to_bytes(proof.evidence), "what was said is not given away"


def test_one_entry_twice_signed_is_one_entry() -> None:
    line = talk()
    one = line.book(A).entries[2]
    assert found(line, WITNESS, (one.raw, forged(line, A, one, releases_hash=one.header.releases_hash).raw)) == []


def test_a_chain_that_does_not_join_and_two_start_numbers() -> None:
    line = talk()
    three, four = line.book(A).entries[2:4]
    assert rules(found(line, WITNESS, (three.raw, forged(line, A, four, prev=bytes(31) + b"1").raw))) == [Rule.SLOT]
    assert rules(found(line, WITNESS, (three.raw, forged(line, A, four, start=7).raw))) == [Rule.START]


def checkpointed(line: Line, root: bytes, size: int) -> bytes:
    at = Checkpoint(A, line.incarnation(A), size, root)
    return checkpoint.put_together(
        line.genesis, at, [line.note_line(at, checkpoint.key(line.genesis, A, KeyType.ED25519))]
    )


@pytest.mark.parametrize("earlier", [False, True], ids=["from the first entry", "from a checkpoint before"])
def test_a_checkpoint_that_is_not_of_its_entries(earlier: bool) -> None:
    line = talk(3)
    if earlier:
        line.sign_checkpoint(A, cosigners=(B,))
    for number in range(3):
        line.say(A, notice(f"more {number}"))
    false = checkpointed(line, b"\x01" * 32, 5)
    [proof] = found(line, WITNESS, (line.book(A).entries[4].raw, false))
    assert rules([proof]) == [Rule.ROOT]
    [chain] = [piece for piece in proof.evidence.pieces if isinstance(piece, evidence.Chain)]
    assert (chain.first, len(chain.headers)) == ((3, 2) if earlier else (0, 5))
    true = checkpointed(line, line.book(A).root(5), 5)
    assert found(line, WITNESS, (line.book(A).entries[4].raw, true)) == []
    assert rules(found(line, WITNESS, (true, false))) == [Rule.ROOT], "two checkpoints need no entries"


def test_a_chain_of_which_one_header_was_exchanged_is_no_evidence() -> None:
    line = talk(4)
    [proof] = found(line, WITNESS, (line.book(A).entries[3].raw, checkpointed(line, b"\x01" * 32, 4)))
    pieces = list(proof.evidence.pieces)
    [at] = [nth for nth, piece in enumerate(pieces) if isinstance(piece, evidence.Chain)]
    chain = pieces[at]
    assert isinstance(chain, evidence.Chain)
    other = forged(line, A, line.book(A).entries[1], wall_ms=5).header_bytes
    pieces[at] = msgspec.structs.replace(chain, headers=(chain.headers[0], other, *chain.headers[2:]))
    with pytest.raises(BadEvidence, match="does not join"):
        judge(Evidence(line.genesis.document, tuple(pieces)))
    pieces[at] = msgspec.structs.replace(chain, first=2, headers=chain.headers[2:], peaks=(b"\x02" * 32,))
    with pytest.raises(BadEvidence, match="whose beginning its author has not signed"):
        judge(Evidence(line.genesis.document, tuple(pieces)))


def test_two_starts_that_name_each_other() -> None:
    line = talk(1)
    first, second = line.incarnation(A), build.draw("incarnation", "ALFA", 1)[:8]
    root = line.book(A).root(1)
    one = line.say(A, statement.Link(answered=6, old=((second, 1, 0, tree.EMPTY_ROOT, (), ()),)))
    line.restart(A)
    assert rules(found(line)) == []
    other = line.say(A, statement.Link(answered=6, old=((first, 0, 1, root, (), ()),)))
    [proof] = found(line)
    assert rules([proof]) == [Rule.CLONE]
    assert {piece.header for piece in proof.evidence.pieces if isinstance(piece, Stated)} == {
        one.header_bytes, other.header_bytes,
    }  # fmt: skip


def test_a_link_that_is_not_of_its_own_entries() -> None:
    line = talk(2)
    first = line.incarnation(A)
    line.restart(A)
    line.say(A, statement.Link(answered=6, old=((first, 0, 2, b"\x03" * 32, (), ()),)))
    [proof] = found(line)
    assert rules([proof]) == [Rule.ROOT]
    assert "its LINK in entry 0" in proof.proven[0].text


def test_a_member_that_denies_what_it_had() -> None:
    line = talk(3)
    denying = line.sign(B, line.draft(notice("we never had it")))
    of_a, of_witness = denying.header.seen
    assert of_a is not None
    line.hear(WITNESS, forged(line, B, denying, seen=(msgspec.structs.replace(of_a, size=1), of_witness)))
    [proof] = found(line)
    assert rules([proof]) == [Rule.LESS]
    assert "held 3 entries of ALFA" in proof.proven[0].text
    assert proof.proven[0].party == B


def test_after_a_start_from_an_older_disk_a_member_may_hold_less() -> None:
    line = talk(3)
    older = Logbooks()
    older.add(line.book(A).entries[0])
    line.views[B] = older
    line.restart(B)
    line.say(B, notice("from an older disk"))
    line.receipt(B, A)
    assert found(line) == []


def test_a_receipt_for_what_was_not_said() -> None:
    line = talk(2)
    honest = line.receipt(B, A)
    body = statement.read(honest.header.kind, honest.body)
    assert isinstance(body, statement.Receipt)
    false = msgspec.structs.replace(body, size=4, root=b"\x05" * 32)
    said = line.say(B, false, heard_by=())
    line.hear(A, said)
    assert found(line, A) == [], "nobody can tell yet"
    for number in range(2):
        line.say(A, notice(f"more {number}"))
    [proof] = found(line, A)
    assert rules([proof]) == [Rule.RECEIPT]
    assert "or ALFA signed others, which BRAVO can show" in proof.proven[0].text
    assert proof.proven[0].party == B


def test_what_a_member_had_is_proved_by_its_own_receipt() -> None:
    line = talk(5)
    said = line.book(A).entries[3]
    proof = proofs.had(line.genesis, line.views[WITNESS], said, B)
    assert proof is not None
    [one] = judge(evidence.read(evidence.to_bytes(proof.evidence))).proven
    assert one.rule is Rule.HAD
    assert "entry 3 of ALFA" in one.text
    assert "displayed to an officer" in one.text
    path = proof.evidence.pieces[-1]
    assert isinstance(path, Path)
    wrong = (*proof.evidence.pieces[:-1], msgspec.structs.replace(path, leaf=line.book(A).entries[2].leaf))
    assert not judge(msgspec.structs.replace(proof.evidence, pieces=wrong)).proven
    assert proofs.had(line.genesis, line.views[WITNESS], line.say(A, notice("not receipted")), B) is None


def test_a_receipt_that_names_the_leaf_in_another_place_does_not_prove_it() -> None:
    line = talk(2)
    said = line.book(A).entries[1]
    for seq, proven in ((7, []), (1, [Rule.HAD])):
        body = statement.Receipt(
            party=A, incarnation=line.incarnation(A), size=1, root=line.book(A).root(1),
            ranges=(), beyond=((seq, said.leaf, line.clock_ms),),
        )  # fmt: skip
        receipt = line.sign(B, line.draft(body))
        found_ = judge(Evidence(line.genesis.document, (evidence.signed(said), evidence.stated(receipt)))).proven
        assert [one.rule for one in found_ if one.rule is Rule.HAD] == proven


def test_a_cosignature_proves_it_too() -> None:
    line = talk(4)
    noted = line.sign_checkpoint(A, cosigners=(WITNESS,))
    book, said = line.book(A), line.book(A).entries[1]
    path = Path(said.leaf, 1, 4, tuple(tree.path_of([e.leaf for e in book.entries], 1)))
    [one] = judge(Evidence(line.genesis.document, (evidence.signed(said), Noted(noted.raw), path))).proven
    assert (one.rule, one.party) == (Rule.HAD, WITNESS)


def test_times_that_cannot_both_be() -> None:
    line = talk(2)
    line.clock_ms -= 600_000
    line.say(A, notice("said ten minutes ago, it says"))
    assert Rule.TIMES in rules(found(line))
    line = talk(1)
    cited = line.book(A).entries[0]
    line.clock_ms -= 600_000
    said = line.say(B, statement.Acknowledgement(step=1), refs=(cited.leaf,))
    [one] = judge(Evidence(line.genesis.document, (evidence.signed(said), evidence.signed(cited)))).proven
    assert one.rule is Rule.TIMES
    assert "entry 1 was said 598.900 s or more before what it cites, entry 0 of ALFA" in one.text


def test_a_changed_byte_or_another_line_makes_a_bad_file() -> None:
    line = talk()
    one = line.book(A).entries[2]
    [proof] = found(line, WITNESS, (one.raw, forged(line, A, one, wall_ms=5).raw))
    data = evidence.to_bytes(proof.evidence)
    for at in range(len(evidence.MAGIC), len(data), 97):
        bad = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
        with pytest.raises(BadEvidence):
            judge(evidence.read(bad))
    with pytest.raises(BadEvidence, match="begins with"):
        evidence.read(b"keepclear-record/1\n")
    with pytest.raises(BadEvidence, match="of line"):
        judge(Evidence(build.make_genesis(("X", "Y", "Z")), proof.evidence.pieces))


def test_what_is_signed_under_a_later_key_list_is_proved_with_that_list() -> None:
    line = Line(roots=3, threshold=2)
    line.say(A, notice("under the first keys"))
    document = listed.signed(line, listed.list_body(line))
    listed.say_under(line, A, "node", 0, statement.KeyList(document=document))
    one = listed.say_under(line, A, "node.1", 1, notice("under the new key"))
    header = canonical.encode(msgspec.structs.replace(one.header, wall_ms=5))
    signature = build.signing_key("ALFA", "node.1").sign(entries.signing_message(header)).signature
    other = entries.read(entries.assemble(header, signature, (), one.seed, one.body), canonical.MAX_BYTES)
    [proof] = found(line, WITNESS, (one.raw, other.raw))
    assert rules([proof]) == [Rule.SLOT]
    assert proof.evidence.pieces[0] == evidence.Listed(document)
    with pytest.raises(BadEvidence, match="signed under key list 1 of ALFA, which is not here"):
        judge(msgspec.structs.replace(proof.evidence, pieces=proof.evidence.pieces[1:]))
    late = (*proof.evidence.pieces[1:], proof.evidence.pieces[0])
    assert judge(msgspec.structs.replace(proof.evidence, pieces=late)).proven == proof.proven


def test_two_key_lists_of_one_number_are_the_roots_contradiction() -> None:
    line = Line(roots=3, threshold=2)
    first = listed.signed(line, listed.list_body(line))
    second = listed.signed(line, listed.list_body(line, node="node.2"))
    line.say(A, notice("before"))
    listed.say_under(line, A, "node", 0, statement.KeyList(document=first))
    assert found(line) == []
    listed.say_under(line, A, "node", 0, statement.KeyList(document=second))
    [proof] = found(line)
    assert [(one.rule, one.party) for one in proof.proven] == [(Rule.LISTS, A)]


@pytest.mark.parametrize("size", range(1, 20))
def test_every_leaf_has_a_path_to_the_root(size: int) -> None:
    leaves = [bytes((nth,)) * 32 for nth in range(size)]
    for nth, leaf in enumerate(leaves):
        path = tree.path_of(leaves, nth)
        assert tree.root_by_path(leaf, nth, size, path) == tree.root_of(leaves)
        assert tree.root_by_path(leaf, nth, size, [*path, bytes(32)]) is None
        assert tree.root_by_path(leaf, size, size, path) is None


FAR = st.sampled_from((-(2**53) + 1, -9, -1, 0, 1, 2, 99, 256, 2**53 - 1))
HASH = st.sampled_from((b"", b"\x05" * 32, tree.EMPTY_ROOT))
START = st.sampled_from((b"", b"12345678", b"\x06" * 20))


@settings(max_examples=60, deadline=None)
@given(
    receipts=st.lists(
        st.builds(
            statement.Receipt, party=FAR, incarnation=START, size=FAR, root=HASH,
            ranges=st.lists(st.tuples(FAR, FAR, FAR, st.none() | FAR), max_size=2).map(tuple),
            beyond=st.lists(st.tuples(FAR, HASH, FAR), max_size=2).map(tuple),
        ),
        min_size=1, max_size=3,
    ),
    of_a=st.booleans(),
)  # fmt: skip
def test_whatever_a_member_receipts_neither_the_search_nor_the_judge_raises(
    receipts: list[statement.Receipt], of_a: bool
) -> None:
    line = talk(2)
    for receipt in receipts:
        one = msgspec.structs.replace(receipt, party=A, incarnation=line.incarnation(A)) if of_a else receipt
        line.say(B, one)
    found(line)
    said = line.book(A).entries[0]
    proofs.had(line.genesis, line.views[WITNESS], said, B)
    stated = tuple(evidence.stated(e) for e in line.book(B).entries if e.header.kind == statement.Kind.RECEIPT)
    judge(Evidence(line.genesis.document, (evidence.signed(said), *stated)))


@settings(max_examples=40, deadline=None)
@given(
    old=st.lists(
        st.tuples(
            START, FAR, FAR, HASH, st.lists(st.tuples(FAR, HASH), max_size=2).map(tuple),
            st.lists(st.tuples(FAR, FAR), max_size=2).map(tuple),
        ),
        max_size=3,
    ),
    answered=FAR,
)  # fmt: skip
def test_whatever_a_member_links_neither_the_search_nor_the_judge_raises(old: list[Any], answered: int) -> None:
    line = talk(1)
    line.say(A, statement.Link(answered=answered, old=tuple(old)))
    found(line)
    [link] = [entry for entry in line.book(A).entries if entry.header.kind == statement.Kind.LINK]
    judge(Evidence(line.genesis.document, (evidence.stated(link),)))
