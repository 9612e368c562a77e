"""`keepclear keys`: new keys for a member on a line in use, signed by its roots, announced while the line is up.

The law: every step writes files and says which, and what to do with each. What a root signs is shown in full before
it is signed. What is announced is announced by a running node, and cannot be taken back.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from keepclear.accord.figures import clean
from keepclear.host import key_ceremony, keys
from keepclear.host.cli_errors import Failure
from keepclear.host.cli_node import node_option
from keepclear.host.client import Client
from keepclear.host.identity import read_genesis
from keepclear.host.key_ceremony import NODE, Upto
from keepclear.record import key_list
from keepclear.record.genesis import Genesis, Key
from keepclear.record.key_book import KeyBook

PATH: Final = click.Path(path_type=Path)
WHOSE: Final = click.option("--member", "name", default="", help="Whose keys, where none of theirs is left.")


@click.group("keys")
def keys_group() -> None:
    """Change a member's keys on a line in use, and see everybody's.

    \b
    In good time, in private:       keepclear keys next north --seat duty
    At the change, node running:    keepclear keys draft north --end node --end duty
    With each root:                 keepclear keys sign north north/list-1/NORTH-1.draft
    Put together:                   keepclear keys join north north/list-1/NORTH-1.draft north/list-1/*.signature
    The line stays up:              keepclear keys announce north/list-1/NORTH-1.keylist --node north
    A key that was stolen is changed in the same way: leave out the thief's starts with --not-start.
    """


@keys_group.command("next")
@click.argument("directory", type=PATH)
@click.option("--seat", "seats", multiple=True, help="A seat that gets a new key, or a new seat. Repeat.")
@click.option("--seats-only", is_flag=True, help="No new node key.")
@WHOSE
def next_(directory: Path, seats: Sequence[str], seats_only: bool, name: str) -> None:
    """Make the keys of a list to come in the member's DIRECTORY.

    Made twice, the second node key is the one that the next list commits to: take its directory away until it is
    wanted, for a thief takes all that lies together.

    \b
    Example:
      keepclear keys next north --seat duty
    """
    home = key_ceremony.make_next(directory, key_ceremony.owner(directory, name), seats, node=not seats_only)
    click.echo(f"keys made in {home}; they speak for nobody until a key list that the roots have signed names them")
    if not seats_only:
        pair = keys.read_node_keys(home / "node.key")
        promised = key_list.commitment(Key("", pair.public, pair.public_mldsa))
        click.echo(f"the node key is committed to as {keys.grouped(promised[: keys.FINGERPRINT_BYTES])}")


@keys_group.command()
@click.argument("directory", type=PATH)
@click.option("--end", "ended", multiple=True, metavar="KEY", help="`node` or a seat: its present key ends. Repeat.")
@click.option("--not-start", "strange", multiple=True, metavar="HEX", help="A start that was not ours. Repeat.")
@click.option("--upto", "upto", multiple=True, metavar="HEX:COUNT", help="Of a start only so many entries. Repeat.")
@WHOSE
def draft(directory: Path, ended: Sequence[str], strange: Sequence[str], upto: Sequence[str], name: str) -> None:
    """Draft the next key list of the member in DIRECTORY, for its roots to sign.

    A key that ends was good for the starts of our node that it knows, as far as they go, and in the present one up to
    the entry that carries the list. Look through them before you sign: whoever stole the key may have made some. What
    is past the end is marked everywhere and never taken away. Without --end the old key stays good.

    \b
    Example:
      keepclear keys draft north --end node --not-start 5d1f0c22aa310b7e
    """
    whose = key_ceremony.owner(directory, name)
    ends: dict[str, Upto] = {}
    if ended:
        with Client(directory) as client:
            found = client.ask("keys")
        good = _good(found, strange, upto)
        ends = dict.fromkeys(ended, good)
    out = key_ceremony.draft(directory, whose, ends)
    click.echo(f"{key_ceremony.describe(directory, out)}\n\ngive {out} to the roots: keepclear keys sign")


@keys_group.command()
@click.argument("directory", type=PATH)
@click.argument("path", metavar="DRAFT", type=PATH)
@click.option("--yes", is_flag=True, help="Sign without asking.")
def sign(directory: Path, path: Path, yes: bool) -> None:
    """Show all that DRAFT says, and sign it with the root keys in DIRECTORY/roots.

    DIRECTORY needs the genesis and the roots, not the node's keys: it may lie on the medium that the roots are on.

    \b
    Example:
      keepclear keys sign north NORTH-1.draft
    """
    click.echo(key_ceremony.describe(directory, path))
    if not yes and not click.confirm("are these our keys and our starts, and shall this be signed?"):
        raise Failure("not signed, nothing was written", "sign once every line of it is right")
    click.echo(f"signed: {key_ceremony.sign(directory, path)}")


@keys_group.command()
@click.argument("directory", type=PATH)
@click.argument("path", metavar="DRAFT", type=PATH)
@click.argument("signatures", nargs=-1, required=True, type=PATH)
def join(directory: Path, path: Path, signatures: Sequence[Path]) -> None:
    """Put DRAFT and its roots' SIGNATURES together into a signed key list.

    \b
    Example:
      keepclear keys join north NORTH-1.draft NORTH-1-0.signature NORTH-1-2.signature
    """
    out = key_ceremony.join(directory, path, signatures)
    click.echo(f"{out}: announce it with keepclear keys announce; a node that starts from now on speaks under it")


@keys_group.command()
@click.argument("path", metavar="KEYLIST", type=PATH)
@node_option
def announce(path: Path, directory: Path) -> None:
    """Have the running node say the signed KEYLIST, its own or another member's, to all.

    Its own: from the next entry on the node signs with the new keys; the line stays up. Another member's: for one that
    has lost its old key and so cannot begin a session with anybody. Compare the words by voice first.

    \b
    Example:
      keepclear keys announce north/list-1/NORTH-1.keylist --node north
    """
    genesis = read_genesis(directory / "genesis")
    one = key_ceremony.signed(path, genesis)
    with Client(directory) as client:
        client.ask("announce", document=one.document.hex())
        _show(client, genesis)


@keys_group.command()
@node_option
def show(directory: Path) -> None:
    """Everybody's keys as the running node knows them, with words to read aloud, and who has which key list.

    \b
    Example:
      keepclear keys show --node north
    """
    with Client(directory) as client:
        _show(client, read_genesis(directory / "genesis"))


def _show(client: Client, genesis: Genesis) -> None:
    found = client.ask("keys")
    book = KeyBook(genesis)
    lists = [key_list.read(bytes.fromhex(document), genesis) for document in found["documents"]]
    known = {one.id: members for one, members in zip(lists, found["known_to"], strict=True)}
    for one in lists:
        book.add(one)
    for member, name in enumerate(genesis.names):
        newest = book.newest(member)
        listed = newest.body.keys if newest else genesis.body.members[member].keys
        where = f"key list {newest.body.number}" if newest else "the genesis"
        past = f"; {found['past'][member]} ENTRIES PAST THE END OF THEIR KEY" if found["past"][member] else ""
        click.echo(f"{clean(name)}: keys of {where}{past}")
        for key in listed:
            what = clean(key.seat) or NODE
            whole = key.ed25519 + key.mldsa
            click.echo(f"  {what:<16}  {keys.fingerprint(whole)}\n  {'':<16}  {keys.spoken(whole)}")
        if newest:
            lacking = [clean(other) for i, other in enumerate(genesis.names) if i not in known[newest.id]]
            said = f"not known to have come to {', '.join(lacking)}" if lacking else "all members have it"
            click.echo(f"  {said}")
    if found["waiting"]:
        click.echo(f"{found['waiting']} entries wait for a key list that has not come")


def _good(found: dict[str, Any], strange: Sequence[str], upto: Sequence[str]) -> Upto:
    """How far a key that ends now was good: our starts but the strange ones, as far as they go."""
    good: dict[str, int | None] = {incarnation: size for incarnation, _, size in found["starts"]}
    good[found["present"]] = None
    limits = dict(one.partition(":")[::2] for one in upto)
    for incarnation in (*strange, *limits):
        if incarnation not in good:
            raise Failure(f"{incarnation!r} is no start of ours", f"known are {', '.join(sorted(good))}")
    for incarnation, count in limits.items():
        if not count.isdecimal():
            raise Failure(f"--upto {incarnation}:{count}", "write it as START:COUNT, how many entries were ours")
        good[incarnation] = int(count)
    return tuple((bytes.fromhex(inc), size) for inc, size in sorted(good.items()) if inc not in strange)
