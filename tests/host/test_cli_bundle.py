"""The record by hand: two parties whose line is dead from the first to the last moment, and a watch that only hears."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.host.test_cli_line import Nodes, found
from tests.host.transcripts import told

from keepclear.host.client import Client

# Runs keepclear and notes each time that Python is asked to connect a socket or to send over an unconnected one.
NOTED = """
import sys
out = open(sys.argv.pop(1), "a", buffering=1)
sys.addaudithook(lambda name, args: name in ("socket.connect", "socket.sendto", "socket.sendmsg") and out.write(
    f"{name} {args[1:]}\\n") and None)
from keepclear.host.cli import main
main(prog_name="keepclear")
"""


# Run in a network of its own: starts a watch there, sends it the files named on standard input as datagrams, and
# at the end prints what the kernel counted.
ALONE = """
import signal, socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
port = 47201
watch = subprocess.Popen([sys.executable, "-m", "keepclear", "watch", "post", "--udp", f"127.0.0.1:{port}", "--quiet"])
sent, link = 0, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for name in sys.stdin:
    sent += 1
    link.sendto(open(name.strip(), "rb").read(), ("127.0.0.1", port))
watch.send_signal(signal.SIGTERM)
watch.wait()
rows = [line.split() for line in open("/proc/net/snmp")]
counts = {names[0] + name: int(value) for names, values in zip(rows[::2], rows[1::2])
          for name, value in zip(names[1:], values[1:])}
print(sent, counts["Udp:OutDatagrams"], counts["Udp:InDatagrams"], counts["Tcp:OutSegs"], counts["Icmp:OutMsgs"])
"""
UNSHARE = shutil.which("unshare")
CAN_BE_ALONE = (
    UNSHARE and not subprocess.run([UNSHARE, "-rn", "ip", "link"], capture_output=True, check=False).returncode
)


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """A and B, who know no address of each other."""
    before = Path.cwd()
    os.chdir(tmp_path)
    found(tmp_path)
    for name in ("A", "B"):
        (tmp_path / name / "seats" / "chief.key").unlink()
        config = tmp_path / name / "node.toml"
        config.write_text(re.sub(r"(?s)\[peers\..*?(?=\[limits\])", "", config.read_text()))
    made = Nodes(tmp_path)
    try:
        for name in ("A", "B"):
            made.start(name)
        for name in ("A", "B"):
            told.until(f"keepclear status --node {name} --json", '"ok":true')
        yield made
    finally:
        for process in made.running.values():
            process.kill()
            process.wait()
        os.chdir(before)


def good(command: str) -> str:
    code, output = told.called(command)
    assert code == 0, output
    return output


def refused(command: str, words: str) -> None:
    code, output = told.called(command)
    assert code == 2, output
    assert words in output
    assert "\nhint: " in output


def entries(name: str) -> int:
    return int(json.loads(good(f"keepclear status --node {name} --json"))["entries"])


def until_entries(name: str, least: int) -> int:
    """How many entries a node holds once there are at least so many."""
    deadline = time.monotonic() + told.DEADLINE_S
    while (held := entries(name)) < least:
        assert time.monotonic() < deadline, f"{name} holds {held} entries, {least} expected"
        time.sleep(0.05)
    return held


def notice(name: str, text: str, more: str = "") -> str:
    """Says a notice; the beginning of its hash."""
    said = good(
        f"keepclear say notice --node {name} --activity live-fire --from +20m --until +80m"
        f' --area "circle 35.4,35.9 10nm" --lower GND --upper FL100 --text {text} {more}'
    )
    return said.split()[2].rstrip(",")


def test_a_notice_its_receipt_and_its_acknowledgement_by_bundles_alone(nodes: Nodes) -> None:
    good("keepclear bundle card A.card --node A")
    good("keepclear bundle card B.card --node B")
    leaf = notice("A", "one")
    assert "sealed to" in good("keepclear bundle export out --node A --for B.card --part-bytes 300")
    parts = sorted(path.name for path in nodes.at.glob("out.*"))
    assert len(parts) > 4

    refused(f"keepclear bundle import {' '.join(parts[:1] + parts[2:])} --node B", f"1 of {len(parts)} parts")
    assert entries("B") == 0, "nothing of it was taken"
    assert "1 entries new" in good(f"keepclear bundle import {' '.join(reversed(parts))} --node B")
    shown = good("keepclear show --node B")
    assert leaf in shown
    assert "BY BUNDLE" in shown
    assert "[AUTHOR NOT YET RECONCILED, BY BUNDLE]" in nodes.printed("B")

    good(f"keepclear ack {leaf} --node B")
    assert "DISPLAYED" not in good("keepclear show --node A"), "A cannot know yet"
    mine = until_entries("B", 3) - 1  # its receipt, made by rule, and the acknowledgement
    good("keepclear bundle export back --node B --for A.card")
    assert f"{mine} entries new, 0 known" in good("keepclear bundle import back --node A")
    assert f"0 entries new, {mine} known" in good("keepclear bundle import back --node A"), "twice is once"
    ladder = next(line for line in good("keepclear show --node A").splitlines() if line.startswith("  B: "))
    assert re.fullmatch(r"  B: delivered \S+, DISPLAYED \S+, READ \S+, not read back", ladder)

    held = until_entries("A", mine + 2)  # and A's receipt for the acknowledgement
    next_ = good("keepclear bundle export next --node A --for B.card")
    assert f" {held - mine - 1} entries, " in next_, "what B has receipted, or said itself, is left out"
    assert f" {held} entries, " in good("keepclear bundle export whole --node A --for B.card --all")
    for name in ("A", "B"):
        told.until(f"keepclear status --node {name} --json", '"state":"dead"')
        peers = json.loads(good(f"keepclear status --node {name} --json"))["peers"]
        assert {peer["heard_ms_ago"] for peer in peers} == {None}, "nobody was heard over it, first to last"
    nodes.stop("B")
    assert "IDENTICAL" in good("keepclear replay B").splitlines()[-1]


def test_what_is_damaged_not_ours_or_not_for_us_is_refused_with_the_reason(nodes: Nodes) -> None:
    good("keepclear bundle card A.card --node A")
    good("keepclear bundle card B.card --node B")
    notice("A", "one")
    good("keepclear bundle export sealed --node A --for B.card")
    assert "OPEN" in good("keepclear bundle export open --node A --open")
    data = (nodes.at / "sealed").read_bytes()
    (nodes.at / "damaged").write_bytes(data[:700] + bytes((data[700] ^ 1,)) + data[701:])
    (nodes.at / "cut").write_bytes(data[:-1])
    (nodes.at / "text").write_text("see you at noon")
    refused("keepclear bundle import damaged --node B", "damaged: a part that is damaged or cut short")
    refused("keepclear bundle import cut --node B", "cut: a part that is damaged or cut short")
    refused("keepclear bundle import text --node B", "text: no part of a bundle")
    refused("keepclear bundle import gone --node B", "gone: cannot be read")
    refused("keepclear bundle import sealed --node A", "which is not the one here")
    refused("keepclear bundle export again --node A", "neither --for nor --open")
    refused("keepclear bundle export open --node A --open", "is already there")
    refused("keepclear bundle export seq --node A --open --seq 3", "--seq without --party")
    found(nodes.at / "other")
    good("keepclear bundle card other.card --node other/A")
    refused("keepclear bundle import open --node other/B", "this line is")
    refused("keepclear bundle export again --node A --for other.card", "a card of line")
    assert entries("B") == 0
    good("keepclear bundle import open --node B")
    assert entries("B") >= 1


def test_since_a_point_by_party_and_number(nodes: Nodes) -> None:
    for text in ("one", "two", "three"):
        notice("A", text)
    assert " 3 entries, " in good("keepclear bundle export all --node A --open")
    assert " 1 entries, " in good("keepclear bundle export seq --node A --open --party A --seq 2")
    assert " 0 entries, " in good("keepclear bundle export other --node A --open --party B")
    assert " 0 entries, " in good("keepclear bundle export late --node A --open --since +1m")
    assert " 3 entries, " in good("keepclear bundle export early --node A --open --since -5m")
    assert "1 entries new" in good("keepclear bundle import seq --node B")
    assert "OUT OF SEQUENCE" in nodes.printed("B"), "a warning does not wait for those before it"


def test_a_watch_warns_of_its_own_flight_and_not_one_byte_goes_back(nodes: Nodes) -> None:
    post, inbox = nodes.at / "post", nodes.at / "inbox"
    post.mkdir(mode=0o700)
    inbox.mkdir()
    (post / "genesis").write_bytes((nodes.at / "A" / "genesis").read_bytes())
    good("keepclear bundle card post.card --node post")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link, socket.socket() as taken:
        link.bind(("127.0.0.1", 0))
        link.setblocking(False)
        udp, tracks = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
        where = ["--bundles", "inbox", "--udp", f"127.0.0.1:{udp}", "--tracks", f"127.0.0.1:{tracks}"]
        with (nodes.at / "post.out").open("ab") as out:
            command = [sys.executable, "-c", NOTED, "noted", "watch", "post", *where]
            nodes.running["post"] = subprocess.Popen(command, stdout=out, stderr=out, cwd=nodes.at)
        told.until("keepclear status --node post --json", '"ok":true')
        refused("keepclear say notice --node post --activity works", "is a watch, which says nothing")

        first = notice("A", "folder")
        good("keepclear bundle export part --node A --for post.card --part-bytes 700")
        for path in sorted(nodes.at.glob("part.*")):
            (inbox / path.name).write_bytes(path.read_bytes())
        before = {path.name: path.stat().st_mtime_ns for path in (inbox, *inbox.iterdir())}
        told.until("keepclear show --node post", first)

        second = notice("A", "datagrams", "--from now")
        good("keepclear bundle export datagram --node A --for post.card --part-bytes 1200")
        for path in sorted(nodes.at.glob("datagram.*")):
            link.sendto(path.read_bytes(), ("127.0.0.1", udp))
        link.sendto(b"noise", ("127.0.0.1", udp))
        told.until("keepclear show --node post", second)

        taken.connect(("127.0.0.1", tracks))
        taken.sendall(position(clock_ms("post")))
        told.until("keepclear show --node post", "ADVISORY")

        nodes.stop("post")
        assert (nodes.at / "noted").read_text() == "", "it has connected to nobody and sent nothing over any socket"
        with pytest.raises(BlockingIOError):
            link.recv(1)
        assert {path.name: path.stat().st_mtime_ns for path in (inbox, *inbox.iterdir())} == before
    assert "IDENTICAL" in good("keepclear replay post").splitlines()[-1]


@pytest.mark.skipif(not CAN_BE_ALONE, reason="this system lets nobody make a network of their own")
def test_the_kernel_counts_not_one_packet_of_a_watch(nodes: Nodes) -> None:
    post = nodes.at / "post"
    post.mkdir(mode=0o700)
    (post / "genesis").write_bytes((nodes.at / "A" / "genesis").read_bytes())
    good("keepclear bundle card post.card --node post")
    leaf = notice("A", "alone")
    good("keepclear bundle export part --node A --for post.card --part-bytes 300")
    names = sorted(path.name for path in nodes.at.glob("part.*"))
    command = [str(UNSHARE), "-rn", sys.executable, "-c", ALONE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=nodes.at) as alone:
        assert alone.stdin is not None
        try:
            told.until("keepclear status --node post --json", '"ok":true')
            alone.stdin.write("\n".join((*names, *names)) + "\n")
            alone.stdin.flush()
            told.until("keepclear show --node post", leaf)
        finally:
            printed, _ = alone.communicate(timeout=told.DEADLINE_S)  # its input ends, and so it ends the watch
    sent, out, came, tcp, icmp = map(int, printed.split())
    assert sent == 2 * len(names) == came
    assert (out, tcp, icmp) == (sent, 0, 0), "what went out is what the sender sent, and nothing else"


def clock_ms(name: str) -> int:
    """The node's clock."""
    with Client(Path(name)) as client:
        return int(client.ask("facts")["wall_ms"])


def position(at_ms: int) -> bytes:
    """A flight of our own, 27 km west of the area and bound for it."""
    report = {
        "type": "position", "flight": "POST1", "lat": 35.4, "lon": 35.4, "alt_ft": 5_000, "alt_ref": "STD",
        "gs_kt": 300, "track": 90, "at": at_ms,
    }  # fmt: skip
    return json.dumps(report).encode() + b"\n"


def free_port(kind: int) -> int:
    """A port that is free at this moment."""
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
