"""Running a node in the foreground: all its parts started, and ended on a signal or a failure."""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from keepclear.host import generation
from keepclear.host.clock import Clock
from keepclear.host.config import Config
from keepclear.host.control import Control
from keepclear.host.identity import load_identity
from keepclear.host.service import Listener, Service, settings_for
from keepclear.host.tracks_port import TracksPort
from keepclear.node.inputs import PutBack, Watchdog

# The writer takes Python's lock once for each row; with the usual 5 ms a busy loop makes it wait so long each time.
SWITCH_S: Final = 0.000_5
# What a node keeps stays: entries, matters, timers. Looked through for garbage as often as Python does by itself, they
# take an eighth of its time; nearly all that it lets go of is gone without that.
GARBAGE: Final = (20_000, 20, 100)


def of_member(config: Config) -> Service:
    """A member's node, by the keys in its directory."""
    return Service(config, load_identity(config.dir), Clock(), settings_for(config.dir))


def run(
    config: Config,
    listener: Listener | None = None,
    ready: Callable[[Service], None] | None = None,
    make: Callable[[Config], Service] = of_member,
) -> None:
    """Runs the node, with a watchdog beside it, until SIGINT or SIGTERM. Raises what ended it otherwise."""
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(*GARBAGE)
    asyncio.run(_run(config, listener, ready, make))


async def _run(
    config: Config,
    listener: Listener | None,
    ready: Callable[[Service], None] | None,
    make: Callable[[Config], Service],
) -> None:
    service = make(config)
    if listener is not None:
        service.listeners.append(listener)
    servers: list[asyncio.Server] = []
    machine = generation.listen(lambda: service.take(PutBack(service.stamp())))
    try:
        tracks = TracksPort(service)
        control = Control(service, tracks.flush)
        service.settled.append(service.watchdogs.settled)
        service.start()
        servers = [await control.start(), *await tracks.start()]
        beside = await _watched(service, control) if config.watchdog else []
        if ready is not None:
            ready(service)
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, _end, service)
        await service.ended
    finally:
        generation.let_go(machine)
        for server in servers:
            server.close()
        Path(config.dir / "control.sock").unlink(missing_ok=True)
    await service.stop()
    await service.watchdogs.farewell()
    for task in beside:
        task.cancel()


async def _watched(service: Service, control: Control) -> list[asyncio.Task[None]]:
    """Starts a watchdog beside the node; what is to be kept of that."""
    dogs = service.watchdogs

    async def look() -> None:
        try:
            await dogs.look(lambda works, text: service.take(Watchdog(service.stamp(), works, text)))
        except Exception as error:
            service.end(error)

    return [await dogs.start(service.config, control.serve), asyncio.create_task(look())]


def _end(service: Service) -> None:
    if not service.ended.done():
        service.ended.set_result(None)
