"""`keepclear watchdog`: one more watchdog of a node, on another terminal; or a word to the one that runs beside it.

The law: a watchdog by hand reads no file of the node; it needs the control socket alone, and goes on asking when the
node is gone, until it is back or somebody ends the watchdog.
"""

import socket
from pathlib import Path

import click

from keepclear.host.cli_errors import Failure
from keepclear.host.cli_node import node_option
from keepclear.host.client import SOCKET, short
from keepclear.host.watchdog import DOOR, Watchdog, ask_door, voices


@click.command()
@node_option
@click.option(
    "--ack", is_flag=True, help="Acknowledge what the node's own watchdog sounds for: quiet until more comes."
)
@click.option("--try", "try_it", is_flag=True, help="Have the node's own watchdog sound once, to hear it.")
@click.option("--sound", multiple=True, metavar="WORD", help="A program by its full path, then each of its arguments.")
def watchdog(directory: Path, ack: bool, try_it: bool, sound: tuple[str, ...]) -> None:
    """Watch a running node from this terminal: sound when it does not live, its disk hangs or a line is dead.

    Enter acknowledges what sounds here. `keepclear run` starts a watchdog by itself; --ack and --try speak to that one.

    \b
    Example:
      keepclear watchdog --node north
      keepclear watchdog --node north --ack
    """
    if ack or try_it:
        _speak(directory, "acknowledge" if ack else "try")
        return
    if sound and not sound[0].startswith("/"):
        raise Failure(f"--sound {sound[0]}: not the full path of a program", "give it as /usr/bin/paplay or the like")
    node = _dial(directory)
    if node is None:
        raise Failure(f"no node answers in {directory}", "start it with: keepclear run DIR/node.toml")
    click.echo("watching; Enter acknowledges, Ctrl-C ends it")
    made = Watchdog(directory.name, node, voices(sound), own=False, dial=lambda: _dial(directory))
    try:
        made.run()
    except KeyboardInterrupt:
        return
    click.echo("the node has ended in good order")


def _speak(directory: Path, word: str) -> None:
    try:
        told = ask_door(short(directory / DOOR), word)
    except OSError as error:
        raise Failure(
            f"no watchdog answers in {directory}: {error.strerror or error}",
            "look at keepclear status; keepclear run starts one with the node",
        ) from error
    for text in told or ["nothing sounds"]:
        click.echo(f"{'quiet now: ' if told and word == 'acknowledge' else ''}{text}")


def _dial(directory: Path) -> socket.socket | None:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.setblocking(False)
    try:
        made.connect(short(directory / SOCKET))
    except OSError:
        made.close()
        return None
    return made
