"""A node's configuration: one TOML file, little, and refused as a whole when a word in it is not known.

The law: what all members have to agree on is in the genesis and the understanding, never here. Addresses are numbers,
not names, so that a line does not hang on a name server. Everything listens on this machine alone unless another
address is written down; own tracks listen elsewhere only with `expose_tracks = true` beside it. An error names the
file, the key, what was found and what was expected.
"""

import tomllib
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    import ssl

MAX_BYTES: Final = 65_536
Address = tuple[str, int]


class ConfigError(Exception):
    """The configuration is refused; the text names file and key and says what was expected."""


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[node]: who this is, where its files are, where it listens."""

    member: str
    """Our name in the genesis."""
    dir: str
    """The private directory with keys, genesis and journal; relative to the file's own directory."""
    listen: str = "127.0.0.1:47001"
    """UDP address for the peers' datagrams."""
    tracks: str = "127.0.0.1:47101"
    """TCP address that takes own tracks and plans as JSON lines."""
    sbs: str = ""
    """TCP address that takes SBS lines; "" for none."""
    expose_tracks: bool = False
    """Whether `tracks` and `sbs` may be reached from other machines. Whoever reaches them can feign aircraft."""
    seats: tuple[str, ...] = ()
    """The seats that are staffed at this node."""


class Peer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[peers.NAME]: where another member of the line listens."""

    address: str = ""
    """UDP address, number and port; "" for one that is reached by the mailbox alone."""
    mailbox: bool = True
    """Whether it is also reached by the mailbox, where there is one. Both ends have to say the same."""
    radio_bps: int = 0
    """Bits a second each way to a peer behind a slow radio or serial line; 0 is IP. Both ends have to say the same."""


class Mailbox(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[mailbox]: a second path, by store and forward over HTTPS."""

    url: str
    """https://NUMBER:PORT; http only for this machine."""
    ca: str = ""
    """The file of certificates that its own has to be signed by; "" for those that the system trusts."""
    name: str = ""
    """The name that its certificate has to carry, if not the number in the url. It is not looked up."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[limits]: what this node asks of its machine and network."""

    datagrams_per_s: int = 20_000
    """Datagrams sent a second, to all peers together; 100 to 1 000 000. FLASH is not held back."""
    track_connections: int = 8
    """Connections to `tracks` and `sbs` at one time; 1 to 100."""


class Watchdog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[watchdog]: what sounds beside the terminal when this node does not live."""

    sound: tuple[str, ...] = ()
    """A program by its full path, and its arguments. It is run as it stands, without a shell."""


class Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as it is written."""

    node: Node
    peers: dict[str, Peer] = {}
    mailbox: Mailbox | None = None
    limits: Limits = Limits()
    watchdog: Watchdog = Watchdog()


class MailboxAt(msgspec.Struct, frozen=True):
    """The mailbox, read and found whole; `peers` are the members that it serves."""

    url: str
    ca: Path | None
    name: str
    peers: tuple[str, ...]


class Config(msgspec.Struct, frozen=True):
    """The configuration, read and found whole: addresses as (number, port), the directory as it stands."""

    member: str
    dir: Path
    listen: Address
    tracks: Address
    sbs: Address | None
    seats: tuple[str, ...]
    peers: dict[str, Address]
    limits: Limits
    mailbox: MailboxAt | None = None
    sound: tuple[str, ...] = ()
    watchdog: bool = True
    radio_bps: dict[str, int] = {}


def read_config(path: Path) -> Config:
    """The configuration in a file. Raises ConfigError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: more than {MAX_BYTES} bytes, this is no configuration")
    try:
        found = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    return checked(found, path)


def checked(found: dict[str, Any], source: Path) -> Config:
    """The configuration in these tables, which stand in `source`. Raises ConfigError."""
    return _Reading(source).config(found)


def certificates(at: MailboxAt) -> "ssl.SSLContext | None":
    """What the mailbox's own certificate is judged by; None for one of this machine. Raises ConfigError."""
    import ssl  # noqa: PLC0415 - only for those who have a mailbox

    try:
        return ssl.create_default_context(cafile=at.ca) if at.url.startswith("https") else None
    except OSError as error:
        raise ConfigError(f"{at.ca}: mailbox.ca: no certificate can be read from it: {error}") from error


class _Reading:
    """One file being read: every complaint names it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def config(self, found: dict[str, Any]) -> Config:
        self._known(found, Tables, "")
        self._known(found.get("node"), Node, "node.")
        self._known(found.get("limits"), Limits, "limits.")
        self._known(found.get("mailbox"), Mailbox, "mailbox.")
        self._known(found.get("watchdog"), Watchdog, "watchdog.")
        peers = found.get("peers")
        for name, table in peers.items() if isinstance(peers, dict) else ():
            self._known(table, Peer, f"peers.{name}.")
        try:
            tables = msgspec.convert(found, Tables)
        except msgspec.ValidationError as error:
            what, _, where = str(error).partition(" - at `$")
            key = where.rstrip("`").lstrip(".").replace("[...]", "") or "node"
            raise self._error(key, what[0].lower() + what[1:]) from error
        node = tables.node
        self._in_range("limits.datagrams_per_s", tables.limits.datagrams_per_s, 100, 1_000_000)
        self._in_range("limits.track_connections", tables.limits.track_connections, 1, 100)
        if not node.member or not node.dir:
            raise self._error("node", "member and dir are empty, a name and a directory expected")
        if len(set(node.seats)) != len(node.seats) or not all(node.seats):
            raise self._error("node.seats", f"{list(node.seats)}, different names expected")
        return Config(
            node.member,
            self.path.parent / node.dir,
            self._address("node.listen", node.listen),
            self._track_address("node.tracks", node.tracks, node),
            self._sbs(node),
            node.seats,
            self._peers(tables),
            tables.limits,
            self._mailbox(tables),
            self._sound(tables.watchdog.sound),
            radio_bps=self._radios(tables),
        )

    def _sound(self, command: tuple[str, ...]) -> tuple[str, ...]:
        if command and not command[0].startswith("/"):
            raise self._error("watchdog.sound", f"{command[0]!r}, the full path of a program expected")
        return command

    def _radios(self, tables: Tables) -> dict[str, int]:
        """The rates of the peers that are reached by a slow radio."""
        rates = {name: peer.radio_bps for name, peer in tables.peers.items() if peer.radio_bps}
        for name, rate_bps in rates.items():
            self._in_range(f"peers.{name}.radio_bps", rate_bps, 1_200, 1_000_000)
            if not tables.peers[name].address or (tables.mailbox and tables.peers[name].mailbox):
                what = "needs an address and no mailbox: a slow radio is the only path to a peer: write mailbox = false"
                raise self._error(f"peers.{name}.radio_bps", what)
        return rates

    def _sbs(self, node: Node) -> Address | None:
        if not node.sbs:
            return None
        address = self._track_address("node.sbs", node.sbs, node)
        if node.sbs == node.tracks and address[1]:
            raise self._error("node.sbs", f"{node.sbs!r} is the address of node.tracks, one of its own expected")
        return address

    def _peers(self, tables: Tables) -> dict[str, Address]:
        peers: dict[str, Address] = {}
        for name, peer in tables.peers.items():
            key = f"peers.{name}.address"
            if name == tables.node.member:
                raise self._error(f"peers.{name}", "is this node itself, another member's name expected")
            if not peer.address and tables.mailbox and peer.mailbox:
                continue
            if not peer.address:
                raise self._error(key, "is not given and no mailbox reaches it: write the UDP address where it listens")
            address = self._address(key, peer.address)
            if not address[1] or ip_address(address[0]).is_unspecified:
                raise self._error(key, f"{peer.address!r} cannot be sent to, a peer's own address and port expected")
            if address in peers.values():
                raise self._error(key, f"{peer.address!r} is another peer's too, one of its own expected")
            peers[name] = address
        return peers

    def _mailbox(self, tables: Tables) -> MailboxAt | None:
        found = tables.mailbox
        if found is None:
            return None
        scheme, _, rest = found.url.rstrip("/").partition("://")
        if scheme not in ("https", "http") or "/" in rest:
            raise self._error("mailbox.url", f"{found.url!r}, such as https://192.0.2.9:47200 expected")
        address = self._address("mailbox.url", rest)
        if not address[1] or ip_address(address[0]).is_unspecified:
            raise self._error("mailbox.url", f"{found.url!r} cannot be reached, its address and port expected")
        if scheme == "http" and not ip_address(address[0]).is_loopback:
            raise self._error("mailbox.url", f"{found.url!r} is not sealed on the way: write https, or run it here")
        peers = tuple(name for name, peer in tables.peers.items() if peer.mailbox)
        ca = self.path.parent / found.ca if found.ca else None
        return MailboxAt(f"{scheme}://{rest}", ca, found.name, peers)

    def _track_address(self, key: str, text: str, node: Node) -> Address:
        address = self._address(key, text)
        if not (ip_address(address[0]).is_loopback or node.expose_tracks):
            raise self._error(
                key,
                f"{text!r} lets other machines send tracks as if they were ours: listen on 127.0.0.1, or write"
                " expose_tracks = true beside it",
            )
        return address

    def _address(self, key: str, text: str) -> Address:
        """The address in a text such as 127.0.0.1:47001 or [::1]:47001; port 0 is any that is free."""
        number, _, port = text.rpartition(":")
        bare = number[1:-1] if number.startswith("[") and number.endswith("]") else number
        try:
            known = ip_address(bare)
        except ValueError as error:
            raise self._error(key, f"{text!r}, a number and a port such as 127.0.0.1:47001 expected") from error
        if (known.version == 6) != (bare != number):
            raise self._error(key, f"{text!r}, brackets round an IPv6 number expected, as in [::1]:47001")
        if not (port.isascii() and port.isdigit() and int(port) <= 65_535):
            raise self._error(key, f"port {port!r}, 0 to 65535 expected")
        return bare, int(port)

    def _in_range(self, key: str, value: int, low: int, high: int) -> None:
        if not low <= value <= high:
            raise self._error(key, f"{value}, {low} to {high} expected")

    def _known(self, found: object, kind: type, key: str) -> None:
        """Raises ConfigError at the first key of a table that `kind` does not have, with the nearest that it has."""
        names = [field.name for field in msgspec.structs.fields(kind)]
        for name in found if isinstance(found, dict) else ():
            if name not in names:
                near = get_close_matches(name, names, 1)
                hint = f"did you mean {near[0]}" if near else f"known are {', '.join(names)}"
                raise self._error(f"{key}{name}", f"not known: {hint}")

    def _error(self, key: str, what: str) -> ConfigError:
        return ConfigError(f"{self.path}: {key}: {what}")
