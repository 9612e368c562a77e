"""Whether what a member says is of one piece: the third of the four facts, beside link, staffed and political.

The law: the worst that is so is said. It follows from signatures, and from whether our own time comes back sealed; it
says nothing of whether what was signed is true.
"""

from enum import StrEnum

from keepclear.line import peer as peers
from keepclear.node.core import Core


class Authentic(StrEnum):
    """What the signatures show of a member, the worst first."""

    DISPUTED = "DISPUTED"
    UNRECONCILED = "not yet reconciled"
    UNHEARD = "not heard"
    AUTHENTIC = "authentic"


def state(core: Core, member: int) -> Authentic:
    """What the signatures show of another member; of one that has said nothing there is nothing to reconcile."""
    if any(dispute.party == member for dispute in core.state.disputes):
        return Authentic.DISPUTED
    newest = core.state.newest.get(member)
    if newest is not None and peers.book_key(member, newest) not in core.state.situation.linked:
        return Authentic.UNRECONCILED
    return Authentic.UNHEARD if core.state.peers[member].live.echo_ms is None else Authentic.AUTHENTIC
