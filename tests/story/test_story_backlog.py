"""A long outage: hundreds of statements of mixed precedence wait; then the line is clear and all hold the same."""

from tests.story.line import A, B, Line, notice

from keepclear.accord.statement import Precedence
from keepclear.node.inputs import Settings

COUNT = 760


def test_what_waited_through_an_outage_is_there_soon_after_it() -> None:
    line = Line(settings=Settings(clarify_ms=600_000))
    line.world.cut = {(A, 1), (1, A), (A, 2), (2, A)}
    leaves = set()
    for i in range(COUNT):
        precedence = Precedence.ROUTINE if i % 20 == 0 else Precedence.PRIORITY
        leaves.add(line.say(A, notice(None, text=f"number {i}"), precedence))
        line.run(2)
    flash = line.say(A, notice(None, text="the last one"), Precedence.FLASH)
    line.run(6_000)
    assert not line.shown(B, "statement", flash)

    line.world.cut = set()
    line.run(1_200)
    assert line.shown(B, "statement", flash), "it overtook what had waited longer"
    line.run(20_000)
    assert len(line.joint()) == 1
    peer = line.member(A).node.state.peers[B]
    assert (peer.queue, peer.flight, peer.far) == ([], {}, {})
    shown = [one.leaf for one in line.shown(B, "statement")]
    assert len(shown) == len(set(shown)), "each once"
    assert set(shown) == leaves | {flash}
