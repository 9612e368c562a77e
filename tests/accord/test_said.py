"""What entries say of one another: the canonical sequence of a record, and who holds what since when."""

from tests.accord.tell import A, B, Teller, notice, z

from keepclear.accord.said import Held, holdings, in_sequence
from keepclear.accord.statement import Cancel, Receipt


def test_the_sequence_of_a_record_is_party_start_incarnation_seq() -> None:
    teller = Teller()
    said = [
        teller.say(B, "10:00:00", Cancel()),
        teller.say(A, "11:00:00", Cancel()),
        teller.say(A, "09:00:00", Cancel()),
    ]
    assert in_sequence([*said, *said]) == [said[1], said[2], said[0]]
    twin = teller.say(A, "09:00:00", Cancel(), leaf=b"\x00" * 32)
    assert in_sequence([twin, *said])[2] is twin


def test_of_several_receipts_the_earliest_times_and_the_widest_error_count() -> None:
    teller = Teller()
    warning = teller.say(A, "18:39:00", notice("18:40:00"))
    receipts = [
        teller.receive(B, "18:39:03", warning, shown="18:39:04", err_ms=5),
        teller.receive(B, "18:39:02", warning, shown="18:39:06", err_ms=900),
        teller.receive(B, "18:39:05", warning, err_ms=7),
    ]
    expected = {(warning.leaf, B): Held(z("18:39:02"), z("18:39:04"), 900)}
    assert holdings([warning], receipts) == expected
    assert holdings([warning], receipts[::-1]) == expected


def test_a_range_covers_its_own_entries_and_no_others() -> None:
    teller = Teller()
    said = [teller.say(A, "10:00:00", Cancel()) for _ in range(5)]
    body = Receipt(
        party=A,
        incarnation=said[0].incarnation,
        size=5,
        root=bytes(32),
        ranges=((1, 2, z("10:00:01"), None), (4, 0, 1, 1)),
    )
    found = holdings(said, [teller.say(B, "10:00:02", body)])
    assert sorted(leaf for leaf, _ in found) == sorted(one.leaf for one in said[1:3])
