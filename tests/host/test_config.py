"""A configuration is taken whole or refused with file, key, what was found and what was expected."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepclear.host.config import (
    Config,
    ConfigError,
    Limits,
    Mailbox,
    MailboxAt,
    Node,
    Peer,
    Tables,
    Watchdog,
    read_config,
)
from keepclear.host.config_example import example_config

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "operate" / "config.md"
LEAST = '[node]\nmember = "north"\ndir = "north"\n'


def refusal(tmp_path: Path, text: str) -> str:
    """What is said of a configuration, after the file's name."""
    path = tmp_path / "north.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    name, _, said = str(caught.value).partition(": ")
    assert name == str(path)
    return said


def test_the_least_configuration_listens_on_this_machine_alone(tmp_path: Path) -> None:
    (tmp_path / "north.toml").write_text(LEAST)
    assert read_config(tmp_path / "north.toml") == Config(
        "north", tmp_path / "north", ("127.0.0.1", 47001), ("127.0.0.1", 47101), None, (), {}, Limits(20_000, 8)
    )


def test_every_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "north.toml").write_text(
        '[node]\nmember = "north"\ndir = "/var/lib/north"\nlisten = "0.0.0.0:5000"\ntracks = "10.0.0.2:5001"\n'
        'sbs = "[::1]:5002"\nexpose_tracks = true\nseats = ["duty", "deputy"]\n'
        '[peers.south]\naddress = "10.0.0.3:5000"\n[peers.mission]\naddress = "[2001:db8::1]:5000"\n'
        "[limits]\ndatagrams_per_s = 100\ntrack_connections = 1\n"
    )
    assert read_config(tmp_path / "north.toml") == Config(
        "north",
        Path("/var/lib/north"),
        ("0.0.0.0", 5000),
        ("10.0.0.2", 5001),
        ("::1", 5002),
        ("duty", "deputy"),
        {"south": ("10.0.0.3", 5000), "mission": ("2001:db8::1", 5000)},
        Limits(100, 1),
    )


def test_a_mailbox_serves_all_peers_but_those_that_say_no(tmp_path: Path) -> None:
    (tmp_path / "north.toml").write_text(
        LEAST + '[mailbox]\nurl = "https://192.0.2.9:47200/"\nca = "box.pem"\nname = "box.example"\n'
        '[peers.south]\naddress = "10.0.0.3:5000"\n[peers.east]\n'
        '[peers.west]\naddress = "10.0.0.4:5000"\nmailbox = false\n'
    )
    found = read_config(tmp_path / "north.toml")
    assert found.mailbox == MailboxAt("https://192.0.2.9:47200", tmp_path / "box.pem", "box.example", ("south", "east"))
    assert found.peers == {"south": ("10.0.0.3", 5000), "west": ("10.0.0.4", 5000)}


def test_a_mailbox_on_this_machine_may_be_plain_and_one_elsewhere_not(tmp_path: Path) -> None:
    text = example_config("north", ".", {"south": "10.0.0.3:5000"}, mailbox="http://[::1]:47200")
    (tmp_path / "north.toml").write_text(text)
    assert read_config(tmp_path / "north.toml").mailbox == MailboxAt("http://[::1]:47200", None, "", ("south",))
    for url, said in [
        ("http://192.0.2.9:47200", "'http://192.0.2.9:47200' is not sealed on the way: write https, or run it here"),
        ("https://mailbox.example:1", "'mailbox.example:1', a number and a port such as 127.0.0.1:47001 expected"),
        ("192.0.2.9:47200", "'192.0.2.9:47200', such as https://192.0.2.9:47200 expected"),
        ("https://192.0.2.9:1/in", "'https://192.0.2.9:1/in', such as https://192.0.2.9:47200 expected"),
        ("https://0.0.0.0:1", "'https://0.0.0.0:1' cannot be reached, its address and port expected"),
    ]:
        assert refusal(tmp_path, f'{LEAST}[mailbox]\nurl = "{url}"\n') == f"mailbox.url: {said}"
    assert refusal(tmp_path, f'{LEAST}[mailbox]\nuri = "x"\n') == "mailbox.uri: not known: did you mean url"


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=16)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    member=names, directory=names, peers=st.lists(names, unique=True, max_size=4), seats=st.lists(names, unique=True)
)
def test_the_example_is_read_as_it_was_asked_for(
    tmp_path: Path, member: str, directory: str, peers: list[str], seats: list[str]
) -> None:
    others = [name for name in peers if name != member]
    addresses = {name: f"192.0.2.{i + 1}:47001" for i, name in enumerate(others)}
    text = example_config(member, directory, addresses, seats=tuple(seats), listen="[::]:0", tracks="127.0.0.2:7")
    (tmp_path / "example.toml").write_text(text, encoding="utf-8", newline="")
    assert read_config(tmp_path / "example.toml") == Config(
        member,
        tmp_path / directory,
        ("::", 0),
        ("127.0.0.2", 7),
        None,
        tuple(seats),
        {name: (f"192.0.2.{i + 1}", 47001) for i, name in enumerate(others)},
        Limits(),
    )


def test_what_the_example_leaves_out_can_be_taken_in(tmp_path: Path) -> None:
    text = example_config("north", "north", {})
    (tmp_path / "north.toml").write_text(text.replace("# sbs", "sbs").replace("# expose_tracks", "expose_tracks"))
    assert read_config(tmp_path / "north.toml").sbs == ("127.0.0.1", 47102)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LEAST + 'lisen = "127.0.0.1:1"', "node.lisen: not known: did you mean listen"),
        (
            LEAST + "colour = 1",
            "node.colour: not known: known are member, dir, listen, tracks, sbs, expose_tracks, seats",
        ),
        (LEAST + "[limit]", "limit: not known: did you mean limits"),
        (LEAST + "[limits]\ndatagram_per_s = 5", "limits.datagram_per_s: not known: did you mean datagrams_per_s"),
        (LEAST + '[peers.south]\nadress = ""', "peers.south.adress: not known: did you mean address"),
        ('[node]\ndir = "north"', "node: object missing required field `member`"),
        ("", "node: object missing required field `node`"),
        ("node = 1", "node: expected `object`, got `int`"),
        ("peers = 1\n" + LEAST, "peers: expected `object`, got `int`"),
        (
            LEAST + "[peers.south]",
            "peers.south.address: is not given and no mailbox reaches it: write the UDP address where it listens",
        ),
        ("[node]\nmember = 1", "node.member: expected `str`, got `int`"),
        (LEAST + "seats = [1]", "node.seats[0]: expected `str`, got `int`"),
        (LEAST + "[limits]\ntrack_connections = true", "limits.track_connections: expected `int`, got `bool`"),
        (LEAST + "[limits]\ntrack_connections = 0", "limits.track_connections: 0, 1 to 100 expected"),
        (LEAST + "[limits]\ndatagrams_per_s = 99", "limits.datagrams_per_s: 99, 100 to 1000000 expected"),
        ('[node]\nmember = ""\ndir = "north"', "node: member and dir are empty, a name and a directory expected"),
        (LEAST + 'seats = ["duty", "duty"]', "node.seats: ['duty', 'duty'], different names expected"),
        (LEAST + 'seats = [""]', "node.seats: [''], different names expected"),
        (
            LEAST + 'listen = "localhost:1"',
            "node.listen: 'localhost:1', a number and a port such as 127.0.0.1:47001 expected",
        ),
        (
            LEAST + 'listen = "127.0.0.1"',
            "node.listen: '127.0.0.1', a number and a port such as 127.0.0.1:47001 expected",
        ),
        (LEAST + 'listen = "127.0.0.1:65536"', "node.listen: port '65536', 0 to 65535 expected"),
        (LEAST + 'listen = "127.0.0.1:-1"', "node.listen: port '-1', 0 to 65535 expected"),
        (LEAST + 'listen = "127.0.0.1:²"', "node.listen: port '²', 0 to 65535 expected"),
        (
            LEAST + 'listen = "::1:47001"',
            "node.listen: '::1:47001', brackets round an IPv6 number expected, as in [::1]:47001",
        ),
        (
            LEAST + 'listen = "[127.0.0.1]:1"',
            "node.listen: '[127.0.0.1]:1', brackets round an IPv6 number expected, as in [::1]:47001",
        ),
        (
            LEAST + 'sbs = "127.0.0.1:47101"',
            "node.sbs: '127.0.0.1:47101' is the address of node.tracks, one of its own expected",
        ),
        (
            LEAST + '[peers.north]\naddress = "192.0.2.1:1"',
            "peers.north: is this node itself, another member's name expected",
        ),
        (
            LEAST + '[peers.south]\naddress = "0.0.0.0:1"',
            "peers.south.address: '0.0.0.0:1' cannot be sent to, a peer's own address and port expected",
        ),
        (
            LEAST + '[peers.south]\naddress = "192.0.2.1:0"',
            "peers.south.address: '192.0.2.1:0' cannot be sent to, a peer's own address and port expected",
        ),
        (
            LEAST + '[peers.south]\naddress = "192.0.2.1:1"\n[peers.west]\naddress = "192.0.2.1:1"',
            "peers.west.address: '192.0.2.1:1' is another peer's too, one of its own expected",
        ),
    ],
)
def test_a_mistake_is_named_with_its_key_and_what_was_expected(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text) == said


@pytest.mark.parametrize("key", ["tracks", "sbs"])
@pytest.mark.parametrize("address", ["0.0.0.0:47102", "192.0.2.1:47102", "[::]:47102", "[::ffff:192.0.2.1]:47102"])
def test_tracks_are_not_taken_from_other_machines_unless_it_is_written_down(
    tmp_path: Path, key: str, address: str
) -> None:
    text = f'{LEAST}{key} = "{address}"\n'
    assert refusal(tmp_path, text) == (
        f"node.{key}: '{address}' lets other machines send tracks as if they were ours: listen on 127.0.0.1, or write"
        " expose_tracks = true beside it"
    )
    assert refusal(tmp_path, text + "expose_tracks = 1").startswith("node.expose_tracks: expected `bool`")
    (tmp_path / "north.toml").write_text(text + "expose_tracks = true")
    assert getattr(read_config(tmp_path / "north.toml"), key)[1] == 47102


def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[node").startswith("not TOML: ")
    assert "line 2" in refusal(tmp_path, "[node]\nmember = north")
    assert refusal(tmp_path, "#" * 65_537) == "more than 65536 bytes, this is no configuration"
    (tmp_path / "north.toml").write_bytes(b'a = "\xff"')
    with pytest.raises(ConfigError, match="not TOML"):
        read_config(tmp_path / "north.toml")
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_config(tmp_path / "none.toml")


def test_the_document_answers_for_every_key_and_its_example_is_taken(tmp_path: Path) -> None:
    document = DOCUMENT.read_text()
    for kind in (Tables, Node, Peer, Mailbox, Limits, Watchdog):
        for name in kind.__struct_fields__:
            assert f"`{name}`" in document or f"[{name}" in document, name
    example = document.partition("```toml\n")[2].partition("```")[0]
    assert example == example_config(
        "north", "north", {"south": "192.0.2.7:47001"}, seats=("duty",), listen="0.0.0.0:47001",
        mailbox="https://192.0.2.9:47200",
    )  # fmt: skip
    (tmp_path / "example.toml").write_text(example)
    assert read_config(tmp_path / "example.toml").peers == {"south": ("192.0.2.7", 47001)}


def test_a_peer_by_slow_radio_has_a_rate_and_no_other_path(tmp_path: Path) -> None:
    south = '[peers.south]\naddress = "10.0.0.3:5000"\n'
    (tmp_path / "north.toml").write_text(f"{LEAST}{south}radio_bps = 9600\n")
    assert read_config(tmp_path / "north.toml").radio_bps == {"south": 9_600}
    assert (
        refusal(tmp_path, f"{LEAST}{south}radio_bps = 300\n") == "peers.south.radio_bps: 300, 1200 to 1000000 expected"
    )
    box = '[mailbox]\nurl = "https://10.0.0.9:47200"\n'
    assert refusal(tmp_path, f"{LEAST}{south}radio_bps = 9600\n{box}").endswith("write mailbox = false")
    assert refusal(tmp_path, f"{LEAST}[peers.south]\nradio_bps = 9600\n{box}")
    (tmp_path / "north.toml").write_text(f"{LEAST}{south}radio_bps = 9600\nmailbox = false\n{box}")
    assert read_config(tmp_path / "north.toml").radio_bps == {"south": 9_600}


def test_the_example_by_radio_is_taken(tmp_path: Path) -> None:
    text = example_config("north", ".", {"south": "10.0.0.3:5000"}, radio_bps=9_600)
    (tmp_path / "north.toml").write_text(text)
    assert read_config(tmp_path / "north.toml").radio_bps == {"south": 9_600}
