"""`keepclear verify`: what record files show by themselves, and whether they are one record.

The law: needs no node, no key and no network. Exit 0: sound, and the same or one part of the other; 1: a fault or a
contradiction, with the signed bytes that show it; 2: unreadable, or records of different lines. The reader compares the
line's id with the one that he knows: whoever makes up a whole line makes a sound record of it.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from keepclear.accord.figures import clean
from keepclear.host import verify_attached
from keepclear.host.cli_errors import FAULT, REFUSED, Failure
from keepclear.host.terminal import table
from keepclear.host.verify_attached import Looked
from keepclear.record import compare as comparing
from keepclear.record import verify as verifying
from keepclear.record.compare import Comparison, Sameness
from keepclear.record.key_list import KeyList
from keepclear.record.verify import Finding, Report

CHUNK_BYTES: Final = 1_048_576
BAR_FROM_BYTES: Final = 4_000_000  # about three seconds of work
SHOWN_BYTES: Final = 24  # of a piece of evidence; --json has all of it
ROOT_DIGITS: Final = 16  # the joint checkpoint above stands for all roots, whole
MAX_SHOWN: Final = 20  # findings of one sort on a terminal; --json has all that were kept

EXITS: Final = {
    Sameness.IDENTICAL: 0,
    Sameness.PREFIX: 0,
    Sameness.CONTRADICTION: FAULT,
    Sameness.UNREADABLE: REFUSED,
}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="A.record [B.record ...]")
@click.option("--blobs", "folder", type=click.Path(path_type=Path), help="Where the files lie that statements name.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, with the evidence whole, in hex.")
def verify(files: Sequence[Path], folder: Path | None, as_json: bool) -> int:
    """Verify record files, and hold several against each other.

    Every signature, chain, tree, checkpoint and receipt is checked. Attached files are no part of a record: those that
    are named are counted, and with --blobs held against their hashes. Exit 0: sound and identical, or one record of
    which not everybody has all; 1: a fault or a contradiction, also a damaged attached file; 2: unreadable.

    \b
    Example:
      keepclear verify north.record south.record
    """
    names = [str(path) for path in files]
    reports = [_verified(path) for path in files]
    found = comparing.compare(reports, names)
    attached = [verify_attached.look(report, folder) for report in reports]
    if as_json:
        click.echo(msgspec.json.encode(_as_json(names, reports, found, attached)).decode())
    else:
        for name, report, one in zip(names, reports, attached, strict=True):
            _tell(name, report, one)
        _conclude(reports, found)
    return max(EXITS[found.sameness], FAULT if any(one.damaged for one in attached) else 0)


def _verified(path: Path) -> Report:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            chunks = iter(lambda: file.read(CHUNK_BYTES), b"")
            with _bar(path, size) as bar:
                return verifying.verify(_counted(chunks, bar))
    except OSError as error:
        raise Failure(
            f"{path}: cannot be read: {error.strerror}", "name a file that keepclear record has written"
        ) from error


def _bar(path: Path, size: int) -> Any:
    """A progress bar on stderr for a large file, when somebody looks."""
    if size < BAR_FROM_BYTES or not sys.stderr.isatty():
        return nullcontext()
    return click.progressbar(length=size, label=f"verifying {path.name}", file=sys.stderr)


def _counted(chunks: Iterator[bytes], bar: Any) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        if bar is not None:
            bar.update(len(chunk))


def _tell(name: str, report: Report, attached: Looked) -> None:
    click.echo(name)
    if report.genesis is not None:
        genesis = report.genesis
        click.echo(f"  line              {genesis.line.hex()} ({clean(genesis.body.name)}, {genesis.mode.name})")
        click.echo(f"  joint checkpoint  {report.joint().hex()}")
    counted = f"{report.entries} entries, {report.notes} checkpoint notes, {report.signatures} signatures verified"
    click.echo(f"  holds             {counted}")
    for one in _lists(report):
        click.echo(
            f"  key list          {one.body.number} of {_name(report, one.body.member)}, {one.id.hex()[:ROOT_DIGITS]}"
        )
    if attached.named:
        click.echo(f"  attached files    {attached.words()}")
    if report.unreadable is not None:
        click.echo(f"  UNREADABLE        {clean(report.unreadable.text)}")
    for title, findings in (
        ("FAULT", report.faults),
        ("CONTRADICTION", report.contradictions),
        ("remark", report.remarks),
    ):
        _tell_findings(title, findings, report)
    for missing in report.missing:
        book = f"{_name(report, missing.book[0])} {missing.book[1].hex()}"
        click.echo(
            f"  missing           {book}: {missing.here} entries here, {missing.named} named by {clean(missing.by)}"
        )
    if report.not_kept:
        click.echo(f"  and {report.not_kept} findings more")
    if report.genesis is not None:
        table("", ("logbook of", "incarnation", "start", "entries", "past a gap", "root"), _books(report))
    click.echo()


def _tell_findings(title: str, findings: Sequence[Finding], report: Report) -> None:
    for finding in findings[:MAX_SHOWN]:
        whose = "" if finding.party is None else f"{_name(report, finding.party)} {finding.incarnation.hex()}"
        place = f"{whose} entry {finding.seq}" if finding.seq is not None else whose
        click.echo(
            f"  {title:<16}  {finding.rule}: {clean(finding.text)} ({place + ', ' if place else ''}byte {finding.at})"
        )
        for evidence in finding.evidence if title != "remark" else ():
            more = "..." if len(evidence) > SHOWN_BYTES else ""
            click.echo(f"    evidence        {len(evidence)} bytes: {evidence[:SHOWN_BYTES].hex()}{more}")
    if len(findings) > MAX_SHOWN:
        click.echo(f"  {title:<16}  and {len(findings) - MAX_SHOWN} more: --json has them")


def _books(report: Report) -> list[list[str]]:
    return [
        [
            _name(report, book.party), book.incarnation.hex(), str(book.start), str(book.size), str(len(book.held)),
            book.root(book.size).hex()[:ROOT_DIGITS],
        ]
        for book in report.logbooks.all()
    ]  # fmt: skip


def _conclude(reports: Sequence[Report], found: Comparison) -> None:
    for difference in found.differences:
        click.echo(clean(difference))
    for finding in found.contradictions:
        click.echo(f"between records: {finding.rule}: {clean(finding.text)}")
        for evidence in finding.evidence:
            click.echo(f"  evidence: {len(evidence)} bytes: {evidence[:SHOWN_BYTES].hex()}...")
    click.echo(_verdict(reports, found.sameness))


def _verdict(reports: Sequence[Report], sameness: Sameness) -> str:
    if sameness is Sameness.IDENTICAL:
        if len(reports) > 1:
            return f"IDENTICAL: all {len(reports)} records are one record"
        return "SOUND as far as it goes: entries are named that are not here" if reports[0].missing else "SOUND"
    if sameness is Sameness.PREFIX:
        return "NO CONTRADICTION: in every logbook one record is a prefix of the other"
    if sameness is Sameness.CONTRADICTION:
        return "FAULT OR CONTRADICTION"
    different = "DIFFERENT LINES: these records have nothing to do with each other"
    return "UNREADABLE" if any(report.unreadable for report in reports) else different


def _name(report: Report, party: int) -> str:
    names = report.genesis.names if report.genesis else ()
    return clean(names[party]) if 0 <= party < len(names) else f"member {party}"


def _as_json(
    names: Sequence[str], reports: Sequence[Report], found: Comparison, attached: Sequence[Looked]
) -> dict[str, Any]:
    return {
        "verdict": found.sameness.name.lower(),
        "differences": list(found.differences),
        "contradictions": [_finding(one) for one in found.contradictions],
        "records": [
            {**_report(name, report), "attached": vars(one)}
            for name, report, one in zip(names, reports, attached, strict=True)
        ],
    }


def _report(name: str, report: Report) -> dict[str, Any]:
    genesis = report.genesis
    return {
        "file": name, "line": genesis.line.hex() if genesis else None,
        "joint_checkpoint": report.joint().hex() if genesis else None, "sound": report.sound,
        "entries": report.entries, "notes": report.notes, "signatures": report.signatures,
        "unreadable": _finding(report.unreadable) if report.unreadable else None,
        "faults": [_finding(one) for one in report.faults],
        "contradictions": [_finding(one) for one in report.contradictions],
        "remarks": [_finding(one) for one in report.remarks],
        "missing": [
            {"party": one.book[0], "incarnation": one.book[1].hex(), "here": one.here, "named": one.named, "by": one.by}
            for one in report.missing
        ],
        "not_kept": report.not_kept,
        "key_lists": [[one.body.member, one.body.number, one.id.hex()] for one in _lists(report)],
        "logbooks": [
            {"party": book.party, "incarnation": book.incarnation.hex(), "start": book.start, "size": book.size,
             "past_a_gap": sorted(book.held), "root": book.root(book.size).hex()}
            for book in report.logbooks.all()
        ],
    }  # fmt: skip


def _lists(report: Report) -> list[KeyList]:
    keys, genesis = report.keys, report.genesis
    return [] if keys is None or genesis is None else [k for i in range(len(genesis.names)) for k in keys.lists(i)]


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "rule": one.rule, "text": one.text, "at": one.at, "party": one.party, "incarnation": one.incarnation.hex(),
        "seq": one.seq, "evidence": [evidence.hex() for evidence in one.evidence],
    }  # fmt: skip
