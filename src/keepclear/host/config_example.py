"""A node's configuration as it is first written: with every key that there is, and a line on each.

The law: what is written here is read by config.read_config, to the very values that were given.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from keepclear.host.config import Limits

EXAMPLE: Final = """\
# The configuration of one node. docs/operate/config.md says more about each key.

[node]
# Our name in the genesis.
member = {member}
# Keys, genesis and journal; from this file's own directory if it is relative.
dir = {dir}
# UDP, for the peers. 127.0.0.1 is this machine alone, 0.0.0.0 every network it is on.
listen = {listen}
# TCP, own tracks and plans as JSON lines.
tracks = {tracks}
# TCP, own tracks as SBS lines (BaseStation), which receivers send.
# sbs = "127.0.0.1:47102"
# Lets other machines reach tracks and sbs. Whoever reaches them can feign aircraft of ours.
# expose_tracks = true
# The seats that are staffed at this node.
seats = [{seats}]

{peers}{mailbox}[limits]
# Datagrams sent a second, to all peers together. FLASH is not held back.
datagrams_per_s = {datagrams_per_s}
# Connections to tracks and sbs at one time.
track_connections = {track_connections}

[watchdog]
# What sounds beside the terminal's bell when this node does not live: a program's full path, its arguments.
# sound = ["/usr/bin/paplay", "/usr/share/sounds/alarm.wav"]
"""


MAILBOX: Final = """\
[mailbox]
# A second path by store and forward. Everything said goes over both at once.
url = {url}

"""


def example_config(
    member: str,
    dir_: str,
    peers: Mapping[str, str],
    *,
    seats: tuple[str, ...] = (),
    listen: str = "127.0.0.1:47001",
    tracks: str = "127.0.0.1:47101",
    mailbox: str = "",
    radio_bps: int = 0,
) -> str:
    """The text of a commented configuration, which read_config takes; peers are given as name and address, the mailbox
    by its url. With `radio_bps`, all of them are behind slow radios.
    """
    slow = f"radio_bps = {radio_bps}\n" if radio_bps else ""
    tables = [f"[peers.{_key(name)}]\naddress = {_quoted(address)}\n{slow}\n" for name, address in peers.items()]
    return EXAMPLE.format(
        member=_quoted(member),
        dir=_quoted(dir_),
        listen=_quoted(listen),
        tracks=_quoted(tracks),
        seats=", ".join(map(_quoted, seats)),
        peers="".join(tables),
        mailbox=MAILBOX.format(url=_quoted(mailbox)) if mailbox else "",
        datagrams_per_s=Limits().datagrams_per_s,
        track_connections=Limits().track_connections,
    )


def _key(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    """A TOML string: its escapes are those of JSON, and DEL."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
