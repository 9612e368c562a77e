"""`keepclear mailbox`: a mailbox in the foreground, which members of lines use as their second path.

The law: it needs no key of a line and is told of none. Away from this machine it speaks HTTPS only.
"""

import asyncio
import signal
from ipaddress import ip_address
from pathlib import Path

import click

from keepclear.host.cli_errors import Failure
from keepclear.host.config import Address
from keepclear.host.mailbox_server import Mailbox, MailboxError

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command()
@click.option("--listen", default="127.0.0.1:47200", show_default=True, help="TCP, a number and a port.")
@click.option("--cert", type=FILE, help="Its certificate and those above it, PEM. Needed away from this machine.")
@click.option("--key", type=FILE, help="The certificate's private key, PEM, if it is not in the same file.")
def mailbox(listen: str, cert: Path | None, key: Path | None) -> None:
    """Hold sealed datagrams for the members of lines, as their second path, until Ctrl-C.

    It reads nothing of what it holds, keeps it for a minute at most, and writes nothing to a disk. An observer may run
    it, or anybody.

    \b
    Example:
      keepclear mailbox --listen 192.0.2.9:47200 --cert mailbox.pem --key mailbox.key
    """
    try:
        asyncio.run(_run(_address(listen), cert, key))
    except MailboxError as error:
        text, _, hint = str(error).rpartition(": ")
        raise Failure(text, hint) from error
    except OSError as error:
        raise Failure(f"{listen}: cannot listen: {error.strerror}", "give --listen an address that is free") from error


async def _run(listen: Address, cert: Path | None, key: Path | None) -> None:
    box = Mailbox(listen, cert, key)
    ended = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    await box.open()
    click.echo(f"a mailbox at {box.url}; Ctrl-C ends it")
    await ended.wait()
    await box.close()
    counts = ", ".join(f"{number} {what}" for what, number in sorted(box.store.counts.items()))
    click.echo(f"ended; {counts or 'nothing came'}")


def _address(text: str) -> Address:
    number, _, port = text.rpartition(":")
    bare = number.removeprefix("[").removesuffix("]")
    try:
        ip_address(bare)
        if not 0 <= int(port) <= 65_535:
            raise ValueError
    except ValueError as error:
        raise Failure(
            f"--listen {text}: no number and port", "write it as 192.0.2.9:47200 or [2001:db8::9]:47200"
        ) from error
    return bare, int(port)
