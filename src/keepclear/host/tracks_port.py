"""The ports that take own tracks and plans: JSON lines, and SBS lines as ADS-B receivers write them.

The law: loopback unless configured; what cannot be read is counted with its reason and never ends a connection that
does not end itself. Positions are gathered and handed to the node once a second, and so are plans.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from keepclear.host.config import Address
from keepclear.host.service import Service
from keepclear.interop.position import Plan, Position
from keepclear.interop.sbs import SbsReader
from keepclear.interop.track_lines import TrackLineReader
from keepclear.node.inputs import Plans, Tracks

READ_BYTES: Final = 65_536
BATCH_S: Final = 1.0
MAX_BATCH: Final = 20_000  # positions handed over at once; more in a second is no traffic


class TracksPort:
    """Both ports of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._positions: dict[str, Position] = {}
        self._plans: dict[str, Plan] = {}
        self._connections = 0
        self._flush_due = False
        self.refused = 0

    async def start(self) -> list[asyncio.Server]:
        """Opens the configured ports."""
        config = self._service.config
        ports: list[tuple[Address, Callable[[str], TrackLineReader | SbsReader]]] = [(config.tracks, TrackLineReader)]
        if config.sbs is not None:
            ports.append((config.sbs, SbsReader))
        return [await self._open(address, reader) for address, reader in ports]

    async def _open(self, address: Address, make: Callable[[str], TrackLineReader | SbsReader]) -> asyncio.Server:
        async def serve(stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._read(stream, writer, make)

        return await asyncio.start_server(serve, *address)

    async def _read(
        self,
        stream: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        make: Callable[[str], TrackLineReader | SbsReader],
    ) -> None:
        self._connections += 1
        try:
            if self._connections > self._service.config.limits.track_connections:
                return
            host, port = writer.get_extra_info("peername")[:2]
            reader = make(f"{host}:{port}")
            while data := await stream.read(READ_BYTES):
                for found in reader.feed(data, self._service.stamp().wall_ms):
                    self._add(found)
        except (ConnectionError, asyncio.CancelledError):
            pass  # a source that goes away is seen by its tracks growing old; or the node ends
        finally:
            self._connections -= 1
            writer.close()

    def _add(self, found: Position | Plan) -> None:
        if isinstance(found, Plan):
            self._plans[found.flight] = found
        elif found.flight in self._positions or len(self._positions) < MAX_BATCH:
            self._positions[found.flight] = found
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_later(BATCH_S, self.flush)

    def flush(self) -> None:
        """Hands what has been gathered to the node."""
        self._flush_due = False
        positions, self._positions = self._positions, {}
        plans, self._plans = self._plans, {}
        if plans:
            self._service.take(Plans(self._service.stamp(), msgspec.msgpack.encode(tuple(plans.values()))))
        if positions:
            self._service.take(Tracks(self._service.stamp(), msgspec.msgpack.encode(tuple(positions.values()))))
