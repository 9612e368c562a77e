"""`keepclear evidence`: list, export and verify what can be proved to somebody who trusts nobody on the line.

The law: a file is written only after the judge has found it proven, and after its officer was told what it gives away.
`verify` needs no node and no record. Exit 0: proven; 1: nothing proven; 2: a bad file, or of another line than named.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from keepclear.accord.figures import clean
from keepclear.host import keys, proving
from keepclear.host.cli_errors import FAULT, Failure
from keepclear.host.proving import Found
from keepclear.record import evidence as files
from keepclear.record import proofs
from keepclear.record.judge import Judgement, Proven, judge
from keepclear.record.proofs import Proof

OTHER_LINE: Final = (
    "compare the line's id with the one that you know; whoever makes up a whole line proves what he likes"
)

source_options: Final = (
    click.option(
        "--node", "directory", envvar="KEEPCLEAR_NODE", metavar="DIR", type=click.Path(path_type=Path),
        help="A running node's directory.",
    ),
    click.option("--record", "record", metavar="FILE", type=click.Path(path_type=Path), help="A record file instead."),
)  # fmt: skip


def source(command: Any) -> Any:
    """The options that say where to look."""
    for option in reversed(source_options):
        command = option(command)
    return command


@click.group()
def evidence() -> None:
    """What can be proved to others: list it, export it, verify it from public keys alone.

    \b
    keepclear evidence list --node north
    keepclear evidence export 1 river.kce --node north
    keepclear evidence had 3fa9c214 --by SOUTH had.kce --node north
    keepclear evidence verify river.kce --line 9b2ccc19
    """


@evidence.command("list")
@source
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def list_(directory: Path | None, record: Path | None, as_json: bool) -> None:
    """List what can be proved of members that contradict themselves, with numbers for `export`.

    \b
    Example:
      keepclear evidence list --record north.record
    """
    found = _found(directory, record).proofs()
    if as_json:
        click.echo(msgspec.json.encode({"proofs": [[_plain(one) for one in proof.proven] for proof in found]}).decode())
        return
    for number, proof in enumerate(found, 1):
        for one in proof.proven:
            click.echo(f"{number:>3}  {one.rule}: {clean(one.text)}")
    if not found:
        click.echo("nothing that could be proved of anybody; what was left out, or slow, never can be")


@evidence.command()
@click.argument("number", type=click.IntRange(1))
@click.argument("out", type=click.Path(path_type=Path))
@source
@click.option("--yes", is_flag=True, help="Do not ask whether to write it.")
def export(number: int, out: Path, directory: Path | None, record: Path | None, yes: bool) -> None:
    """Write proof NUMBER of `list` to the file OUT, after saying what it gives away.

    \b
    Example:
      keepclear evidence export 1 river.kce --node north
    """
    found = _found(directory, record).proofs()
    if number > len(found):
        raise Failure(f"there are {len(found)} proofs, not {number}", "look at keepclear evidence list")
    _write(out, found[number - 1], yes)


@evidence.command()
@click.argument("leaf", metavar="HASH")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--by", "member", required=True, metavar="MEMBER", help="The member that had it.")
@source
@click.option("--yes", is_flag=True, help="Do not ask whether to write it.")
def had(leaf: str, out: Path, member: str, directory: Path | None, record: Path | None, yes: bool) -> None:
    """Write the proof that MEMBER has signed that it had the entry HASH, and displayed it, since when.

    \b
    Example:
      keepclear evidence had 3fa9c214 had.kce --by SOUTH --node north
    """
    found = _found(directory, record)
    assert found.report.genesis is not None
    names = found.report.genesis.names
    if member not in names:
        raise Failure(f"{member!r} is no member of this line", f"members are {', '.join(map(clean, names))}")
    said = found.entry(leaf)
    proof = proofs.had(found.report.genesis, found.report.logbooks, said, names.index(member))
    if proof is None:
        raise Failure(
            f"{member} has signed no receipt here that has entry {said.header.seq} of {clean(names[said.slot[0]])}",
            "look how far it has come with keepclear show; without a receipt nothing shows that it arrived",
            FAULT,
        )
    _write(out, proof, yes)


@evidence.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--line", "line", metavar="ID", help="The line's id as you know it, or the beginning of it.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def verify(file: Path, line: str | None, as_json: bool) -> int:
    """Verify a file of evidence from the public keys in it. Exit 0: proven; 1: nothing proven; 2: a bad file.

    \b
    Example:
      keepclear evidence verify river.kce --line 9b2ccc19
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(files.MAX_EVIDENCE_BYTES + 1)
        found = judge(files.read(data))
    except OSError as error:
        raise Failure(f"{file}: cannot be read: {error.strerror}", "name a file of evidence") from error
    except files.BadEvidence as error:
        raise Failure(f"{file}: {error}", "ask for the file again; one that was changed proves nothing") from error
    genesis = found.genesis
    if line is not None and not genesis.line.hex().startswith(line.lower()):
        raise Failure(f"{file}: of line {genesis.line.hex()[:16]}, not {line}", OTHER_LINE)
    if as_json:
        click.echo(msgspec.json.encode(_as_json(file, found)).decode())
    else:
        _tell(file, found, line is not None)
    return 0 if found.proven else FAULT


def _found(directory: Path | None, record: Path | None) -> Found:
    if record is not None:
        return proving.of_record(record)
    if directory is None:
        raise Failure("neither a node nor a record was named", "give --node DIR or --record FILE")
    return proving.of_node(directory)


def _write(out: Path, proof: Proof, yes: bool) -> None:
    if out.exists():
        raise Failure(f"{out}: is already there and is not overwritten", "name another file, or move that one away")
    for one in proof.proven:
        click.echo(f"proves: {one.rule}: {clean(one.text)}")
    click.echo(f"gives away: {proving.given_away(proof.evidence)}")
    if not yes and not click.confirm(f"write {out}?"):
        raise Failure("nothing was written", "give --yes, or answer y, to have it written")
    data = files.to_bytes(proof.evidence)
    keys.write_private(out, data)
    click.echo(f"{out}: {len(data)} bytes")


def _tell(file: Path, found: Judgement, is_known: bool) -> None:
    genesis = found.genesis
    click.echo(f"{file}")
    click.echo(f"  line      {genesis.line.hex()} ({clean(genesis.body.name)}, {genesis.mode.name})")
    if not is_known:
        click.echo(f"            {OTHER_LINE}")
    click.echo(f"  verified  {found.signatures} signatures")
    for one in found.proven:
        click.echo(f"  PROVEN    {one.rule}: {clean(one.text)}")
    if not found.proven:
        click.echo("  NOTHING PROVEN: the pieces are validly signed and do not contradict each other")


def _as_json(file: Path, found: Judgement) -> dict[str, Any]:
    return {
        "file": str(file), "line": found.genesis.line.hex(), "mode": found.genesis.mode.name,
        "signatures": found.signatures, "proven": _all(found.proven, found.genesis.names),
    }  # fmt: skip


def _all(proven: Sequence[Proven], names: Sequence[str]) -> list[dict[str, Any]]:
    return [{**_plain(one), "member": names[one.party]} for one in proven]


def _plain(one: Proven) -> dict[str, Any]:
    return {"rule": one.rule.name.lower(), "words": str(one.rule), "party": one.party, "text": one.text}
