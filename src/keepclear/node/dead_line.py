"""What was agreed for a line that is dead: told at each end by its own clock, with no message between them.

The law: each end counts from the last time of its own that came back. Both lose it together: a frame that does not
arrive takes an echo with it, in whichever direction it was lost. Nothing is done by a machine; a rule is told to the
officer.
"""

from keepclear.accord.phrases import DEAD_LINE_WORDS
from keepclear.accord.statement import Precedence
from keepclear.accord.times import span, to_second
from keepclear.accord.understanding import DeadLine, DeadLineAction
from keepclear.line.liveness import LineState
from keepclear.line.peer import Peer
from keepclear.node import listing, situation
from keepclear.node.core import Core

DEAD_LINE = "dead line"


def follow(core: Core) -> None:
    """Follows the line to each party: tells the rules for a dead one when their time comes, and when it is back."""
    facts = core.state.facts
    for member in core.genesis.parties():
        peer = core.state.peers.get(member)
        if peer is None:
            continue
        if peer.live.told is LineState.DEAD:
            told = facts.dead.setdefault(member, [])
            if core.is_party:  # what an observer does not hear, the parties may
                _apply(core, peer, told)
        elif peer.live.told in (LineState.OPEN, LineState.DEGRADED) and member in facts.dead:
            told = facts.dead.pop(member)
            listing.reconnected(core)
            if told:
                text = f"the line to {core.name(member)} is back: {', '.join(told)} for a dead line ends here"
                core.show(DEAD_LINE, text, None, Precedence.IMMEDIATE, (member, False))


def dead_for_ms(core: Core, peer: Peer) -> int:
    """How long nothing of ours has come back from a peer."""
    since_ms = peer.live.since_ms if peer.live.echo_ms is None else peer.live.echo_ms
    return core.mono_ms - since_ms


def _apply(core: Core, peer: Peer, told: list[str]) -> None:
    silent_ms = dead_for_ms(core, peer)
    for rule in situation.agreed_now(core):
        if not isinstance(rule, DeadLine) or rule.id in told or silent_ms < rule.after_ms:
            continue
        told.append(rule.id)
        count = len(situation.in_force_here(core))
        text = (
            f"the line to {core.name(peer.index)} has been dead for {span(to_second(silent_ms))}, "
            f"rule {rule.id}: {DEAD_LINE_WORDS[DeadLineAction(rule.action)]}; {count} matters are in force here"
        )
        core.show(DEAD_LINE, text, None, Precedence.FLASH, (peer.index, True, rule.id))
        core.alarm(DEAD_LINE, text)
