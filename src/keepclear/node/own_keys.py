"""Our own keys: which the hands hold, under which list this node signs, and the lists that it was given to say.

The law: the node signs under its newest own list whose node key the hands hold, and says a list that it was given
before it says anything under it. It says another member's list as gladly as its own.
"""

from typing import Final

from keepclear.accord.statement import KeyList as Carrier
from keepclear.accord.statement import Precedence
from keepclear.node import author, keys, receipts
from keepclear.node.core import Core
from keepclear.node.inputs import Holds, Start
from keepclear.record import key_list
from keepclear.record.key_list import BadList, KeyList

ENTRY_ROOM_BYTES: Final = 1_500  # for header and signatures round a document
MAX_GIVEN: Final = 100  # lists that the hands have brought


def hold(core: Core, data: Holds) -> None:
    """The hands hold these node keys from now on, and bring key lists; a list that nobody has said yet is said."""
    if core.watches or not core.state.author.incarnation:
        return
    _take_up(core, data.keys, data.documents)
    _say_missing(core)
    core.state.keys.epoch = keys.newest_held(core)


def begin(core: Core, data: Start) -> None:
    """Begins a start: all that it says is under our newest list, the list itself too, which it says first."""
    if core.watches:
        return
    _take_up(core, data.keys, data.documents)
    core.state.keys.said = []
    core.state.keys.epoch = keys.newest_held(core)
    _say_missing(core)


def _take_up(core: Core, held: tuple[bytes, ...], documents: tuple[bytes, ...]) -> None:
    own = core.state.keys
    own.held = list(held)
    given = [document for document in own.given if not core.keys.carriers(key_list.read(document, core.genesis))]
    own.given = given  # what an entry carries is in the record
    for document in documents:
        try:
            one = key_list.read(document, core.genesis)
        except BadList as error:
            core.show("refused", f"no key list of this line: {error}")
            continue
        if len(document) + ENTRY_ROOM_BYTES > (most := core.genesis.body.limits.entry_bytes):
            core.show("refused", f"a key list of {len(document)} bytes, the line's largest entry is {most}")
        elif len(own.given) < MAX_GIVEN and core.keys.add(one):
            own.given.append(document)
            keys.tell(core, one)


def _say_missing(core: Core) -> None:
    """Says the lists that were brought and that no entry carries."""
    own = core.state.keys
    for document in own.given:
        one = key_list.read(document, core.genesis)
        if not core.keys.carriers(one) and one.id not in own.said:
            own.said.append(one.id)
            author.say_by_rule(core, Carrier(document=document), Precedence.IMMEDIATE)


def known_to(core: Core, one: KeyList) -> list[int]:
    """The members that are known to have a list: they have said so, or say it themselves."""
    mask = 0
    for leaf in core.keys.carriers(one):
        entry = core.books.by_leaf[leaf]
        mask |= 1 << entry.header.party | receipts.holders(core, core.books.books[entry.slot[:2]], entry.header.seq)
    return [member for member in range(len(core.genesis.names)) if mask >> member & 1]
