"""What contradicts itself: both pieces of evidence are kept, and the officer is told once for each pair.

The law: a dispute ends nothing. Statements of both sides go on being taken, kept and shown.
"""

from keepclear.node.core import Core
from keepclear.node.state import MAX_DISPUTES, Dispute
from keepclear.record.logbook import Contradiction


def dispute(core: Core, party: int, contradiction: Contradiction) -> None:
    """Marks the line as disputed by a member's own contradiction, once for each pair of evidence."""
    known = any(d.one == contradiction.one and d.other == contradiction.other for d in core.state.disputes)
    if known or len(core.state.disputes) >= MAX_DISPUTES:
        return
    core.state.disputes.append(Dispute(party, contradiction.reason, contradiction.one, contradiction.other))
    core.show("disputed", f"{core.name(party)}: {contradiction.reason}; both signed entries are kept")
    core.alarm("disputed", f"the line is disputed: {core.name(party)} contradicts itself ({contradiction.reason})")
