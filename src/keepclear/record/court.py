"""The words that pieces of evidence hold: each signed piece verified, and what it says of logbooks taken down.

The law: a piece that is not validly signed makes the file a bad one, never a weaker one. Only what a member signs of
its own logbook (headers, checkpoints, LINKs) is its word on a place or a root; receipts are words on another's and are
kept apart.
"""

from collections import defaultdict

import msgspec

from keepclear.accord import canonical, statement
from keepclear.accord.statement import BY_RULE, Link, Receipt
from keepclear.record import checkpoint, key_list, tree
from keepclear.record.checkpoint import Verified
from keepclear.record.entry import Header, body_root, read_body, read_signed
from keepclear.record.evidence import BadEvidence, Chain, Listed, Noted, Path, Piece, Signed, Stated
from keepclear.record.genesis import Genesis
from keepclear.record.key_book import KeyBook
from keepclear.record.logbook import BookId

Slot = tuple[int, bytes, int]


class Court:
    """The line, and all that has been taken down."""

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.lists = KeyBook(genesis)
        self.signatures = 0
        self.headers: dict[bytes, Header] = {}
        self.receipts: list[tuple[Header, Receipt]] = []
        self.links: list[tuple[Header, Link]] = []
        self.notes: list[Verified] = []
        self.leaves: defaultdict[Slot, dict[bytes, str]] = defaultdict(dict)
        self.roots: defaultdict[tuple[BookId, int], dict[bytes, str]] = defaultdict(dict)
        self.starts: defaultdict[BookId, set[int]] = defaultdict(set)
        self.paths: list[tuple[Path, bytes]] = []

    def name(self, party: int) -> str:
        """A member's name."""
        return self.genesis.names[party]

    # -- pieces ------------------------------------------------------------------------------------------------------

    def know(self, piece: Piece) -> None:
        """A key list, before whatever is signed under it. Raises BadList."""
        if isinstance(piece, Listed):
            one = key_list.read(piece.document, self.genesis)
            self.lists.add(one)
            self.signatures += self.genesis.body.members[one.body.member].threshold

    def take(self, piece: Piece) -> None:
        """A signed piece: verified, and its words taken down. What is only derived waits until all are here."""
        if isinstance(piece, Noted):
            verified = checkpoint.verify(self.genesis, piece.note, self.lists)
            self.signatures += len(verified.signers)
            self.notes.append(verified)
            at = verified.checkpoint
            self.roots[(at.party, at.incarnation), at.size].setdefault(at.root, "its checkpoint")
        elif isinstance(piece, Signed | Stated):
            header = read_signed(piece.header, piece.signature, self.genesis, self.lists)
            self.signatures += 1
            self._header(header, tree.leaf_hash(piece.header))
            if isinstance(piece, Stated):
                self._statement(header, piece)

    def derive(self, piece: Piece) -> None:
        """A chain or a path: what follows from what has been signed."""
        if isinstance(piece, Path):
            root = tree.root_by_path(piece.leaf, piece.seq, piece.size, piece.hashes)
            if root is None or len(piece.leaf) != 32 or any(len(one) != 32 for one in piece.hashes):
                raise BadEvidence(f"a path from entry {piece.seq} of {piece.size} that leads nowhere")
            self.paths.append((piece, root))
        elif isinstance(piece, Chain):
            self._chain(piece)

    def _header(self, header: Header, leaf: bytes) -> None:
        self.headers[leaf] = header
        book = header.party, header.incarnation
        self.starts[book].add(header.start)
        self.leaves[*book, header.seq].setdefault(leaf, f"entry {header.seq} as signed")
        if header.seq:
            self.leaves[*book, header.seq - 1].setdefault(header.prev, f"what entry {header.seq} names as before it")

    def _statement(self, header: Header, piece: Stated) -> None:
        if header.kind not in BY_RULE or body_root(piece.seed, piece.body) != header.body_root:
            raise BadEvidence("a body that is not the one its header commits to, or not of a RECEIPT or LINK")
        try:
            body = read_body(header.kind, piece.body)
        except statement.Unreadable as error:
            raise BadEvidence(str(error)) from error
        if isinstance(body, Receipt):
            self.receipts.append((header, body))
        elif isinstance(body, Link):
            self.links.append((header, body))
            self._link(header, body)

    def _link(self, header: Header, body: Link) -> None:
        for incarnation, _, size, root, beyond, _ in body.old:
            if incarnation == header.incarnation:
                continue
            self.roots[(header.party, incarnation), size].setdefault(root, f"its LINK in entry {header.seq}")
            for seq, leaf in beyond:
                self.leaves[header.party, incarnation, seq].setdefault(leaf, f"its LINK in entry {header.seq}")

    def _chain(self, chain: Chain) -> None:
        """The leaves that a signed header commits to through those before it, and the roots over them."""
        leaves = [tree.leaf_hash(data) for data in chain.headers]
        last = self.headers.get(leaves[-1]) if leaves else None
        if last is None or last.seq != chain.first + len(leaves) - 1:
            raise BadEvidence("a chain whose last header is not among the signed ones")
        book = last.party, last.incarnation
        for nth, (data, leaf) in enumerate(zip(chain.headers, leaves, strict=True)):
            header = _committed(data)
            if (header.party, header.incarnation, header.seq) != (*book, chain.first + nth):
                raise BadEvidence(f"a chain in which entry {chain.first + nth} is another one")
            if nth and header.prev != leaves[nth - 1]:
                raise BadEvidence(f"a chain that does not join at entry {chain.first + nth}")
            self.leaves[*book, header.seq].setdefault(leaf, f"entry {header.seq} as signed")
        frontier = tree.Frontier(chain.first, list(chain.peaks))
        if len(chain.peaks) != chain.first.bit_count() or any(len(peak) != 32 for peak in chain.peaks):
            raise BadEvidence(f"{len(chain.peaks)} subtrees before entry {chain.first}")
        if chain.first and frontier.root() not in self.roots[book, chain.first]:
            raise BadEvidence(f"a chain from entry {chain.first} on whose beginning its author has not signed")
        for nth, leaf in enumerate(leaves, chain.first + 1):
            frontier.append(leaf)
            self.roots[book, nth].setdefault(frontier.root(), f"its entries up to {nth - 1}")


def _committed(data: bytes) -> Header:
    """A header that a later, signed one commits to. Raises BadEvidence for bytes that are none."""
    try:
        canonical.check(data)
        return msgspec.msgpack.decode(data, type=Header)
    except (canonical.NotCanonical, msgspec.ValidationError) as error:
        raise BadEvidence(f"a chain through what is no header: {error}") from error
