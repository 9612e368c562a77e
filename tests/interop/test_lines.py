from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from keepclear.interop.lines import MAX_EXCERPT, MAX_REASON, MAX_RECENT, Account, LineSplitter, Refused


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
    return [data[start:end] for start, end in pairwise(edges)]


def test_a_line_is_given_when_it_has_ended_and_not_before() -> None:
    splitter = LineSplitter(20)
    assert splitter.feed(b"MSG,3,lat 52.2") == ([], 0)
    assert splitter.feed(b"6578\r\nMSG") == ([b"MSG,3,lat 52.26578"], 0)
    assert splitter.feed(b"\n\r\n \r\n") == ([b"MSG", b"", b" "], 0)


def test_a_line_too_long_is_dropped_to_its_end_and_counted_once() -> None:
    splitter = LineSplitter(4)
    assert splitter.feed(b"abcd\nabcde") == ([b"abcd"], 1)
    assert splitter.feed(b"more of the same") == ([], 0)
    assert splitter.feed(b" and its end\nabc\nabcdefg\nxyz\n") == ([b"abc", b"xyz"], 1)


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=20))
def test_how_the_bytes_are_cut_changes_nothing(data: bytes, at: list[int]) -> None:
    whole, in_parts = LineSplitter(16), LineSplitter(16)
    lines, overlong = whole.feed(data)
    parts = [in_parts.feed(part) for part in cut(data, at)]
    assert [line for some, _ in parts for line in some] == lines
    assert sum(count for _, count in parts) == overlong
    assert in_parts.held_bytes == whole.held_bytes <= 16
    assert all(len(line) <= 16 for line in lines)


def test_the_account_counts_everything_and_keeps_the_latest() -> None:
    account = Account()
    for number in range(MAX_RECENT + 5):
        account.enter(Refused("range", f"number {number}", "look again"), b"line %d" % number)
    assert account.refused == {"range": MAX_RECENT + 5}
    assert [refusal.reason for refusal in account.recent][0::MAX_RECENT] == ["number 5"]
    assert account.recent[-1].excerpt == f"line {MAX_RECENT + 4}"


@given(st.binary(max_size=400), st.text(max_size=400))
def test_what_is_shown_of_a_refused_line_is_short_and_harmless(line: bytes, reason: str) -> None:
    account = Account()
    account.enter(Refused("schema", reason, "hint"), line)
    shown = account.recent[0]
    assert len(shown.excerpt) <= MAX_EXCERPT
    assert len(shown.reason) <= MAX_REASON
    assert (shown.excerpt + shown.reason).isprintable()
