"""A process whose memory was put back to an earlier state, as a virtual machine can be.

The law: it shares even its start with the one that went on, and cannot see it by itself. The machine may say so, and is
believed: nothing more is signed. A peer that echoes a time of ours which is still to come says so too, and is not
believed alone, or anybody could silence anybody. What is signed a second time comes back and ends it, whoever noticed.
"""

from keepclear.accord.statement import Precedence
from keepclear.line.peer import Peer
from keepclear.node import author
from keepclear.node.core import Core


def echoed(core: Core, peer: Peer, echo_ms: int | None) -> None:
    """A peer echoes the newest time of ours that it has heard in this session: is that one we have not come to?

    Then this process was put back, or the peer says what is not so. It is told once for each peer.
    """
    state = core.state.reconciling
    if echo_ms is None or echo_ms <= core.mono_ms or state.echoed >> peer.index & 1:
        return
    state.echoed |= 1 << peer.index
    ahead_ms = echo_ms - core.mono_ms
    text = f"{core.name(peer.index)} has heard us {ahead_ms} ms from now: this process was put back to an earlier state"
    core.show("put back", text, precedence=Precedence.IMMEDIATE, facts=(peer.index, ahead_ms))
    core.alarm("put back", f"{text}, or what is said is not so; end this process and start it anew")


def put_back(core: Core) -> None:
    """The machine says that its memory was put back, or copied: this incarnation may go on in two places."""
    author.end(core, "this machine's memory was put back to an earlier state, or copied, as the machine itself says")
