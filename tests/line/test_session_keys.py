"""Sessions while a member changes its node key: who does not know the new one, who holds a session by the old one."""

from tests.line.talk import PUBLIC, Talk, heartbeat, signer, up

NEW = 2  # the key of a stranger stands for the one to come


def test_a_member_whose_new_key_is_not_known_yet_begins_by_its_old_one() -> None:
    talk = Talk()
    talk.ends[0].sign_with(signer(NEW), signer(0))
    talk.start().run(12_000, heartbeat)
    assert talk.ends[0].up == talk.ends[1].up is not None
    assert talk.opened[1], "what it says is opened at the other end"


def test_a_member_whose_new_key_is_known_begins_by_it_at_once() -> None:
    talk = Talk()
    talk.ends[0].sign_with(signer(NEW), signer(0))
    talk.ends[1].use_keys(PUBLIC[NEW], PUBLIC[0])
    talk.start().run(1_000, heartbeat)
    assert talk.ends[0].up == talk.ends[1].up is not None


def test_a_session_in_use_goes_on_when_the_key_that_began_it_ends() -> None:
    talk = up()
    talk.run(2_000, heartbeat)
    before = talk.ends[1].up
    talk.ends[0].sign_with(signer(NEW))
    talk.ends[1].use_keys(PUBLIC[NEW])
    talk.run(20_000, heartbeat)
    assert talk.ends[1].up == before is not None


def test_who_holds_a_session_by_an_ended_key_cannot_keep_the_rightful_one_out() -> None:
    talk = up()
    talk.run(2_000, heartbeat)
    thief, bravo = talk.ends
    rightful = Talk(seed=9).ends[0]
    rightful.sign_with(signer(NEW))
    hello = rightful.hello(talk.now_ms)
    assert not [event for d in hello for event in bravo.receive(d, talk.now_ms) if hasattr(event, "datagrams")]
    bravo.use_keys(PUBLIC[NEW])
    said = [d for d in hello for event in bravo.receive(d, talk.now_ms) for d in getattr(event, "datagrams", [])]
    assert said, "while the thief's frames still open, the one with the new key is answered"
    for _ in range(4):
        back = [d for s in said for event in rightful.receive(s, talk.now_ms) for d in getattr(event, "datagrams", [])]
        said = [d for s in back for event in bravo.receive(s, talk.now_ms) for d in getattr(event, "datagrams", [])]
    assert rightful.up == bravo.up != thief.up
