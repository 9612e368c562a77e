"""`keepclear blob`: the files that statements name by their hash: list, get, fetch, put.

The law: a file is given out only as its hash says, and taken in only if a statement names it. What it is, its author
says; nothing here opens it.
"""

from pathlib import Path
from typing import Any, Final

import click
import msgspec

from keepclear.accord import attached
from keepclear.accord.figures import clean
from keepclear.host.blobs import Blobs
from keepclear.host.cli_attach import read
from keepclear.host.cli_errors import Failure
from keepclear.host.cli_node import node_option
from keepclear.host.client import Client
from keepclear.host.keys import write_private
from keepclear.host.terminal import short, table

LIST_HINT: Final = "keepclear blob list shows them with their hashes"
LEAST_DIGITS: Final = 4


@click.group()
def blob() -> None:
    """Have files that go with statements (keepclear say ... --attach FILE): list, get, fetch, put."""


@blob.command("list")
@node_option
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def list_(directory: Path, as_json: bool) -> None:
    """List the files that statements name, and where their bytes are.

    \b
    Example:
      keepclear blob list --node north
    """
    with Client(directory) as client:
        found = client.ask("blobs")
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    rows = [
        [
            short(one["sha256"]), attached.amount(one["size"]), clean(one["media"]), clean(one["from"]),
            short(one["leaf"]), clean(one["where"]),
        ]
        for one in found["files"]
    ]  # fmt: skip
    table("", ("hash", "size", "type", "from", "statement", "where"), rows)
    click.echo(f"{found['fetched']} fetched since the start, {found['wrong']} that did not fit their hash")


@blob.command()
@click.argument("name", metavar="HASH")
@click.argument("out", type=click.Path(path_type=Path))
@node_option
def get(name: str, out: Path, directory: Path) -> None:
    """Write the file whose hash begins with HASH to the file OUT. What it is, only its author says: open it with care.

    \b
    Example:
      keepclear blob get 5f70bf18 outline.json --node south
    """
    one = _named(directory, name)
    data = Blobs(directory).read(bytes.fromhex(one["sha256"]))
    if data is None:
        where = "is not here as its hash says" if one["state"] == "HERE" else one["where"]
        raise Failure(
            f"{short(one['sha256'])}: {where}", f"ask for it: keepclear blob fetch {short(one['sha256'])} --node DIR"
        )
    write_private(out, data)
    click.echo(f"{out}: {attached.amount(len(data))} {clean(one['media'])}, as named by {clean(one['from'])}")


@blob.command()
@click.argument("name", metavar="HASH")
@node_option
def fetch(name: str, directory: Path) -> None:
    """Ask all members for the file whose hash begins with HASH, also by a slow radio, where nobody asks by himself.

    \b
    Example:
      keepclear blob fetch 5f70bf18 --node south
    """
    one = _named(directory, name)
    with Client(directory) as client:
        found = client.ask("blob-want", sha256=one["sha256"], size=one["size"])
    click.echo(f"{short(one['sha256'])}: {clean(found['where'])}")


@blob.command()
@click.argument("file", type=click.Path(path_type=Path))
@node_option
def put(file: Path, directory: Path) -> None:
    """Give the node a FILE that a statement names and that came by other means, by stick or courier.

    \b
    Example:
      keepclear blob put stick/outline.json --node south
    """
    data = read(file)
    digest = attached.digest(data).hex()
    with Client(directory) as client:
        found = [one for one in client.ask("blobs", sha256=digest)["files"] if one["size"] == len(data)]
        if not found:
            raise Failure(f"{file}: no statement names a file of hash {short(digest)}", LIST_HINT)
        Blobs(directory).add(data)
        client.ask("blob-want", sha256=digest, size=len(data), again=True)
    media, author = clean(found[0]["media"]), clean(found[0]["from"])
    click.echo(f"{short(digest)}: {attached.amount(len(data))} {media}, as named by {author}")


def _named(directory: Path, name: str) -> dict[str, Any]:
    """The one file whose hash begins so. Raises Failure."""
    found: list[dict[str, Any]] = []
    if len(name) >= LEAST_DIGITS:
        with Client(directory) as client:
            found = client.ask("blobs", sha256=name.lower())["files"]
    if len(found) != 1:
        raise Failure(f"{len(found)} files that statements name have a hash that begins with {name!r}", LIST_HINT)
    return found[0]
