"""A process whose memory was put back: by whom it is noticed, and what it does then."""

import pytest
from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from keepclear.host.generation import is_put_back
from keepclear.node.effects import Sign
from keepclear.node.inputs import PutBack, Tick


def test_times_that_come_back_from_what_is_still_to_come_are_told_once_for_each_peer() -> None:
    line = Line()
    line.run(10_000)
    line.member(A).set_back(5_000)
    line.run(3_000)
    told = line.alarms(A, "put back")
    assert sorted(text.split()[0] for text in told) == sorted(line.world.genesis.names[i] for i in (B, OBSERVER))
    assert all("this process was put back to an earlier state, or what is said is not so" in text for text in told)
    assert not line.alarms(B, "put back")
    leaf = line.say(A, notice(line.wall_ms + 30 * MINUTE))
    assert line.shown(A, "statement", leaf), "by a peer's word nobody is silenced"


def test_no_start_crash_or_restore_looks_like_a_memory_put_back() -> None:
    line = Line()
    older = line.member(A).image()
    for _ in range(3):
        line.run(4_000)
        line.member(A).restore(older)
        line.member(A).start()
        line.member(B).crash()
        line.member(B).start()
        line.run(4_000)
    assert not [line.alarms(who, "put back") for who in (A, B, OBSERVER) if line.alarms(who, "put back")]


def test_what_the_machine_says_ends_all_signing() -> None:
    line = Line()
    member = line.member(A)
    member.take(PutBack(member.stamp()))
    [alarm] = line.alarms(A, "signed elsewhere")
    assert alarm.startswith("this machine's memory was put back to an earlier state, or copied")
    assert member.node.state.author.ended
    assert not [e for e in member.node.step(Tick(member.stamp())) if isinstance(e, Sign)]


@pytest.mark.parametrize(
    ("event", "sender", "expected"),
    [
        (b"change@/devices/platform/VMGENCTR:00\0ACTION=change\0NEW_VMGENID=1\0SEQNUM=9\0", 0, True),
        (
            b"change@/devices/platform/VMGENCTR:00\0ACTION=change\0NEW_VMGENID=1\0SEQNUM=9\0",
            4711,
            False,
        ),
        (b"change@/devices/platform/VMGENCTR:00\0ACTION=change\0SYNTH_ARG_NEW_VMGENID=1\0", 0, False),
        (b"add@/devices/usb1\0ACTION=add\0", 0, False),
    ],
)
def test_only_the_kernels_own_word_counts(event: bytes, sender: int, expected: bool) -> None:
    assert is_put_back(event, sender) is expected
