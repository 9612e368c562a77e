"""`keepclear check`: the detection of a node on a recorded or planned picture, without a node.

The law: the same functions of geo/, asked once for each picture (the rows of one timestamp). Nothing is left out in
silence: each sort of row that was refused or doubted is counted on standard error. Exit 0 whatever was found (a
loss is not a failure of the program; --fail-on-loss makes it 1), 2 for what cannot be read, to the last row.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from keepclear.accord.figures import clean
from keepclear.accord.times import zulu
from keepclear.geo.altitude import AltRef
from keepclear.geo.overlap import overlaps
from keepclear.host import check_options as options
from keepclear.host.check_files import read_whole
from keepclear.host.check_plot import Trails, draw_areas, draw_marks, write
from keepclear.host.check_run import Account, Detector, Intrusion, JsonLines, Separation, Sink, run, write_lines
from keepclear.host.check_tables import EntryTable, LossTable, show_meetings
from keepclear.host.cli_errors import FAULT, Failure
from keepclear.interop.findings import meetings
from keepclear.interop.geojson import NamedVolumes, volumes_of
from keepclear.interop.svg_map import Map

MAX_FAULTS_TOLD: Final = 20
COLUMNS_HINT: Final = "look at the reasons above; docs/operate/check.md lists the columns and their units"


@click.group()
def check() -> None:
    """Check a recorded or planned picture, offline.

    The same detection as in a node, on files. It warns; that it finds nothing permits nothing.

    \b
    Examples:
      keepclear check tracks day.parquet
      keepclear check tracks day.csv --against areas.geojson --jsonl > entries.jsonl
      keepclear check volumes areas.geojson --plot areas.svg
    """


@check.command()
@click.argument("file", type=click.Path(path_type=Path))
@options.AGAINST
@options.HORIZONTAL
@options.VERTICAL
@options.LOOK_AHEAD
@options.ALTITUDE_REF
@options.JSONL
@options.PLOT
@options.FAIL
def tracks(
    file: Path,
    against: Path | None,
    horizontal_m: float,
    vertical_m: float,
    look_ahead_ms: int,
    alt_ref: AltRef,
    jsonl: bool,
    plot: Path | None,
    fail_on_loss: bool,
) -> int:
    """Check tracks against each other, or with --against against volumes.

    FILE is CSV, Parquet or the JSON of the `traffic` package (.csv, .parquet, .json, .jsonl; .gz too), with the
    columns timestamp, track_id or icao24 or callsign, latitude, longitude, altitude (ft), groundspeed (kt), track,
    vertical_rate (ft/min). Rows of one timestamp are one picture; each picture is carried on along the courses of its
    tracks. Exactly 5 NM or 1000 ft apart is separated. An unknown altitude is near everything.

    \b
    Example:
      keepclear check tracks day.csv --horizontal 5nm --vertical 1000ft --look-ahead 300s --plot day.svg
    """
    named = None if against is None else _volumes(against)
    separation = Separation(horizontal_m, vertical_m, look_ahead_ms)
    detect: Detector = separation if named is None else Intrusion(named, look_ahead_ms)
    shown = LossTable(plot is not None) if named is None else EntryTable(plot is not None)
    trails = Trails(look_ahead_ms)
    sinks: list[Sink] = [JsonLines()] if jsonl else []
    sinks += [shown] if plot or not jsonl else []
    sinks += [trails] if plot else []
    with _until_the_reader_leaves():
        account = run(file, alt_ref, detect, sinks)
        _tell(file, account)
        if named is None and account.lonely:
            text = f"{_counted(account.lonely, 'picture')} of one track only, which is near no other"
            click.echo(f"keepclear: {file}: {text}: rows of different times are not held together", err=True)
        if account.tally.rows and not account.pictures:
            raise Failure(f"{file}: of {_counted(account.tally.rows, 'row')} none could be read", COLUMNS_HINT)
        if plot:
            _draw_tracks(plot, file, account, trails, shown, named)
        if not jsonl:
            shown.show()
    return FAULT if fail_on_loss and account.found else 0


@check.command()
@click.argument("file", type=click.Path(path_type=Path))
@options.JSONL
@options.PLOT
@options.FAIL
def volumes(file: Path, jsonl: bool, plot: Path | None, fail_on_loss: bool) -> int:
    """Check volumes against each other: which two meet, in area, altitude and time at once.

    FILE is GeoJSON, with the properties id, start, end (RFC 3339), lower, upper, unit (ft, m, FL), lower_ref and
    upper_ref (AMSL, AGL, WGS84, STD); a Point needs radius_m, a LineString width_m. What touches does not meet.

    \b
    Example:
      keepclear check volumes areas.geojson --jsonl
    """
    named = _volumes(file)
    found = meetings(named, overlaps(named.volumes))
    with _until_the_reader_leaves():
        if jsonl:
            write_lines(list(found))
        else:
            show_meetings(found)
    text = f"{_counted(len(named.names), 'volume')}; {_counted(len(found), 'pair')} in common area, altitude and time"
    click.echo(f"keepclear: {file}: {text}", err=True)
    if plot:
        drawn = Map(file.name, text)
        draw_areas(drawn, named, frozenset(name for one in found for name in (one.a, one.b)))
        write(plot, drawn)
    return FAULT if fail_on_loss and found else 0


def _volumes(path: Path) -> NamedVolumes:
    named = volumes_of(read_whole(path))
    for fault in named.faults[:MAX_FAULTS_TOLD]:
        click.echo(f"keepclear: {path}: {clean(fault)}", err=True)
    if len(named.faults) > MAX_FAULTS_TOLD:
        click.echo(f"keepclear: {path}: and {len(named.faults) - MAX_FAULTS_TOLD} faults more", err=True)
    return named


def _draw_tracks(
    path: Path, file: Path, account: Account, trails: Trails, shown: LossTable | EntryTable, named: NamedVolumes | None
) -> None:
    drawn = Map(file.name, _summary(account))
    episodes = shown.episodes.all()
    if named is not None:
        draw_areas(drawn, named, frozenset(one.pair[1] for one in episodes))
    trails.draw(drawn)
    words = "loss of separation, nearest as foretold at first" if named is None else "enters a volume"
    draw_marks(drawn, episodes, words)
    write(path, drawn)


def _summary(account: Account) -> str:
    when = ""
    if account.first_ms is not None and account.last_ms is not None:
        when = f" from {zulu(account.first_ms)} to {zulu(account.last_ms, account.first_ms)}"
    rows, refused = _counted(account.tally.rows, "row"), account.tally.refused
    pictures, found = _counted(account.pictures, "picture"), _counted(account.found, "finding")
    return f"{rows}, {refused} refused; {pictures}{when}; {found}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _tell(path: Path, account: Account) -> None:
    """The account of the rows, on standard error."""
    click.echo(f"keepclear: {path}: {_summary(account)}", err=True)
    for line in account.tally.told():
        click.echo(f"keepclear: {path}: {line}", err=True)


@contextmanager
def _until_the_reader_leaves() -> Iterator[None]:
    """A reader of the output who has had enough (`| head`) ends the work without a complaint."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(0) from None
