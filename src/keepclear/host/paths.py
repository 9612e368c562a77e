"""The paths of a running node: which member is reached by which, and the process that carries each.

The law: what the configuration says, and nothing that comes by a path changes it. The UDP socket is bound here, and
what is wrong with address, port or certificates is told here, before any process is started.
"""

from collections.abc import Callable, Mapping
from typing import Final

from keepclear.host import datagram
from keepclear.host.config import Config, certificates
from keepclear.host.identity import Identity
from keepclear.host.path_link import PathLink, Told
from keepclear.host.path_wire import Boxes, Given
from keepclear.line import box
from keepclear.line.paths import BOX, RADIO, UDP

FROM_BOX: Final = "mailbox"  # what comes by it has an allowance of signature checks of its own

Heard = Callable[[bytes, str, str], None]  # datagram, source, path


class Paths:
    """The paths of one node. `heard(datagram, source, path)` is called for each arrival: source is the name of the peer
    whose address it came from, "" for none, or FROM_BOX.

    Raises BadAddress, ConfigError, or OSError for an address that is taken.
    """

    def __init__(self, config: Config, identity: Identity, heard: Heard, told: Told) -> None:
        self._config, self._identity, self._told = config, identity, told
        me, names = identity.member, identity.genesis.names
        self._members = tuple(member for member in range(len(names)) if member != me)
        self.names = {member: found for member in self._members if (found := self._names(names[member]))}
        self._by_udp = [member for member, found in self.names.items() if found != (BOX,)]
        self._by_box = [member for member, found in self.names.items() if BOX in found]
        self.box = self._open_box(heard)
        self.udp = self._open_udp(heard)

    @property
    def links(self) -> list[PathLink]:
        """The processes."""
        return [self.udp, self.box] if self.box else [self.udp]

    def use(self, sessions: Mapping[int, Mapping[bytes, int]]) -> None:
        """Tells all processes which sessions are in use with each member, each with the newest counter opened."""
        found = {name: newest for each in sessions.values() for name, newest in each.items()}
        slow = [name for member, each in sessions.items() if RADIO in self.names.get(member, ()) for name in each]
        for link in self.links:
            link.use(found, slow)

    def send(self, member: int, datagrams: list[bytes], path: str, flash: bool, urgent: bool) -> None:
        """Sends to a member by one path, or ("") by all; what is urgent overtakes in the mailbox's queue."""
        if path != BOX and member in self._by_udp:
            self.udp.send(self._by_udp.index(member) + 1, datagrams, flash)
        if path != UDP and self.box and member in self._by_box:
            self.box.send(self._by_box.index(member) + 1, datagrams, urgent)

    async def end(self) -> None:
        """Has what was handed over sent, and ends all processes."""
        for link in self.links:
            await link.end()

    def close(self) -> None:
        """Ends all processes at once; twice does no harm."""
        for link in self.links:
            link.close()

    def _names(self, name: str) -> tuple[str, ...]:
        """The names of the paths to a member, as configured."""
        if name in self._config.radio_bps:
            return (RADIO,)
        by_box = self._config.mailbox is not None and name in self._config.mailbox.peers
        return (UDP,) * (name in self._config.peers) + (BOX,) * by_box

    def _open_box(self, heard: Heard) -> PathLink | None:
        """The configured mailbox, with a box for each direction to each member that it serves."""
        at, genesis = self._config.mailbox, self._identity.genesis
        if at is None:
            return None
        certificates(at)  # what is wrong with them is told now
        own, *keys = (
            genesis.keys[genesis.node_key(member)].key.ed25519 for member in (self._identity.member, *self._by_box)
        )
        boxes = Boxes(
            at.url, str(at.ca or ""), at.name,
            tuple(box.name(genesis.line, own, key) for key in keys),
            tuple(box.name(genesis.line, key, own) for key in keys),
        )  # fmt: skip
        given = Given(genesis.tag_key, self._identity.member, self._members, boxes=boxes)
        return PathLink("the mailbox", given, lambda data, _: heard(data, FROM_BOX, BOX), self._told)

    def _open_udp(self, heard: Heard) -> PathLink:
        """The datagrams, to every member with an address."""
        config, genesis = self._config, self._identity.genesis
        names = [genesis.names[member] for member in self._by_udp]
        sources = ["", *names]
        udp = datagram.bound(config.listen)
        try:
            addresses = datagram.reached(udp, {name: config.peers[name] for name in names})
        except datagram.BadAddress:
            udp.close()
            raise
        given = Given(
            genesis.tag_key, self._identity.member, self._members, tuple(addresses), config.limits.datagrams_per_s
        )
        return PathLink("the datagrams", given, lambda data, number: heard(data, sources[number], UDP), self._told, udp)
