"""A storm follows from its seed, and what is begun in it is ended."""

from collections import Counter

import pytest

from sim.rig.schedule import Event, What, storm

MEMBERS = ("ALFA", "BRAVO", "WITNESS")
SEEDS = range(20)


def test_the_same_seed_gives_the_same_storm() -> None:
    assert storm(7, 120, MEMBERS) == storm(7, 120, MEMBERS)
    assert storm(7, 120, MEMBERS) != storm(8, 120, MEMBERS)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_begun_is_ended(seed: int) -> None:
    events = storm(seed, 300, MEMBERS)
    assert events == sorted(events)
    cuts = Counter((e.node, e.other) for e in events if e.what is What.CUT)
    assert cuts == Counter((e.node, e.other) for e in events if e.what is What.MEND)
    stopped: set[str] = set()
    for event in events:
        if event.what is What.GO_ON:
            stopped.remove(event.node)
        elif event.what in (What.PAUSE, What.KILL, What.CLOCK):
            assert event.node not in stopped, f"{event} while it is stopped"
            stopped |= {event.node} if event.what is What.PAUSE else set()
    assert not stopped
    assert set(What) == {event.what for event in events}


def test_a_short_storm_has_what_it_is_told_to_have_first() -> None:
    events = storm(0, 60, MEMBERS, (What.KILL, What.CLOCK))
    begun = [event.what for event in events if event.what not in (What.MEND, What.GO_ON)]
    assert begun[:2] == [What.KILL, What.CLOCK]


def test_an_event_is_told_in_words() -> None:
    event = Event(1.5, What.CUT, "ALFA", "BRAVO", for_s=2.0)
    assert str(event) == "   1.5 s  ALFA to BRAVO: cut for 2.0 s"
