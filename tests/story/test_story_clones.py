"""Two copies of one member: its disk was copied and started twice, and now the one, now the other is on the network."""

from tests.story.line import MINUTE, OBSERVER, A, B, Line, notice

from sim.world import Member


def doubled() -> tuple[Line, Member]:
    """A line on which a copy of A has taken A's place for a while, and A has come back."""
    line = Line()
    twin = line.world.double(A)
    line.world.hear_double(A, True)
    line.run(8_000)
    line.world.hear_double(A, False)
    line.run(8_000)
    return line, twin


def clones(member: Member) -> list[str]:
    return [alarm.text for _, alarm in member.log.alarms if alarm.what == "clone"]


def test_the_others_see_that_a_second_copy_was_at_work() -> None:
    line, _ = doubled()
    for who in (B, OBSERVER):
        [text] = clones(line.member(who))
        assert text.startswith("two copies of ALFA have been at work at the same time: start 0 (")
        assert "start 1 (" in text
        [shown] = line.shown(who, "clone")
        assert shown.facts[0] == A
    assert not line.member(B).node.state.disputes, "each copy signs in a start of its own: nobody contradicts itself"


def test_each_copy_learns_of_the_other() -> None:
    line, twin = doubled()
    [text] = clones(line.member(A))
    assert text.startswith("a second copy of this node is at work: start 1 (")
    assert "; this is start 0 (" in text
    line.world.hear_double(A, True)
    line.run(8_000)
    [text] = clones(twin)
    assert text.startswith("a second copy of this node is at work: start 0 (")


def test_what_either_copy_says_is_shown_to_all() -> None:
    line, twin = doubled()
    first = line.say(A, notice(line.wall_ms + 30 * MINUTE, text="by the one"))
    line.run(1_000)
    line.world.hear_double(A, True)
    line.run(8_000)
    line.world.members[A], original = twin, line.member(A)
    second = line.say(A, notice(line.wall_ms + 30 * MINUTE, text="by the other"))
    line.world.members[A] = original
    line.run(8_000)
    for leaf in (first, second):
        assert line.shown(B, "statement", leaf)
        assert line.matter(B, leaf).status == "planned"
    assert len(clones(line.member(B))) == 1, "it is told once"


def test_starts_restores_and_a_failover_to_a_copy_that_stays_are_no_clones() -> None:
    line = Line()
    older = line.member(A).image()
    for image in (None, older, None, older):
        line.say(A, notice(line.wall_ms + 30 * MINUTE))
        line.run(3_000)
        if image is None:
            line.member(A).crash()
        else:
            line.member(A).restore(image)
        line.member(A).start()
        line.run(6_000)
    assert len(line.member(B).node.books.of(A)) == 5
    twin = line.world.double(A)
    line.member(A).crash()  # the copy takes its place for good
    line.world.hear_double(A, True)
    line.run(10_000)
    assert len(line.member(B).node.books.of(A)) == 6
    assert not [clones(member) for member in (*line.world.members, twin) if clones(member)]
