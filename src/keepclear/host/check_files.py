"""The files that `keepclear check` reads: what they are, and their bytes or batches in bounded memory.

Law: the form is told by the name's ending (.csv, .parquet, .json, .jsonl, .ndjson, each but Parquet also with .gz). A
file that cannot be read at all is a Failure; one that is cut short is read up to there, and that is counted.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

import numpy as np

from keepclear.host.cli_errors import Failure
from keepclear.interop.csv_reports import CsvReader
from keepclear.interop.json_reports import SNIFFED_BYTES, JsonLinesReader, Reader, json_reader
from keepclear.interop.reports import COLUMNS, NAMES, Cells, Coded, Reports, check_columns, reports_of
from keepclear.interop.tally import Doubt, Tally

CHUNK_BYTES: Final = 2_097_152
BATCH_ROWS: Final = 65_536
MAX_VOLUMES_BYTES: Final = 268_435_456  # half a million polygons
FORMS: Final = (".csv", ".parquet", ".json", ".jsonl", ".ndjson")
FORMS_HINT: Final = f"give a file named *{', *'.join(FORMS)}, or with .gz behind it"

Advance = Callable[[int], None]


def read_reports(path: Path, tally: Tally, advance: Advance) -> Iterator[Reports]:
    """The reports of a file, piece by piece; `advance` is told of bytes read. Raises Failure or Refused."""
    form = _form(path)
    try:
        yield from _parquet(path, tally, advance) if form == ".parquet" else _text(path, form, tally, advance)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_whole(path: Path) -> bytes:
    """The bytes of a file of volumes. Raises Failure."""
    try:
        with path.open("rb") as raw, _unpacked(path, raw) as file:
            data = file.read(MAX_VOLUMES_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error
    if len(data) > MAX_VOLUMES_BYTES:
        raise Failure(f"{path}: over {MAX_VOLUMES_BYTES} bytes of volumes", "split it, and check the parts in pairs")
    return data


def size_of(path: Path) -> int:
    """How many bytes the file has. Raises Failure."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from error


def _form(path: Path) -> str:
    endings = [ending.lower() for ending in path.suffixes]
    form = endings[-2] if len(endings) > 1 and endings[-1] == ".gz" else (endings or [""])[-1]
    if form not in FORMS:
        raise Failure(f"{path}: of no form that is known", FORMS_HINT)
    return form


def _unreadable(path: Path, error: Exception) -> Failure:
    reason = getattr(error, "strerror", None) or str(error)
    return Failure(f"{path}: cannot be read: {reason}", "name a file that is there, whole and may be read")


def _text(path: Path, form: str, tally: Tally, advance: Advance) -> Iterator[Reports]:
    with path.open("rb") as raw, _unpacked(path, raw) as file:
        head, cut = _read(file)
        if form == ".csv":
            reader: Reader = CsvReader(tally)
        else:
            reader = json_reader(head[:SNIFFED_BYTES], tally) if form == ".json" else JsonLinesReader(tally)
        data, told = head, 0
        while data:
            yield reader.feed(data)
            advance(raw.tell() - told)
            told = raw.tell()
            data, broken = _read(file) if not cut else (b"", False)
            cut = cut or broken
        yield reader.close()
        if cut and Doubt.CUT not in tally.counts:
            tally.enter(Doubt.CUT, [tally.rows + 1])


def _unpacked(path: Path, raw: BufferedReader) -> gzip.GzipFile | BufferedReader:
    return gzip.GzipFile(fileobj=raw, mode="rb") if path.suffix.lower() == ".gz" else raw


def _read(file: gzip.GzipFile | BufferedReader) -> tuple[bytes, bool]:
    """What comes next, and whether the compressed file is broken behind it."""
    data = bytearray()
    try:
        while len(data) < CHUNK_BYTES and (more := file.read1(CHUNK_BYTES)):
            data += more
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return bytes(data), True
    return bytes(data), False


def _parquet(path: Path, tally: Tally, advance: Advance) -> Iterator[Reports]:
    import pyarrow as pa  # noqa: PLC0415 - 0.3 s, and only Parquet needs it
    from pyarrow import parquet  # noqa: PLC0415

    tally.noun = "row"
    size = size_of(path)
    try:
        with parquet.ParquetFile(path) as file:
            names = [name for name in file.schema_arrow.names if name in COLUMNS]
            check_columns(file.schema_arrow.names)
            rows = max(file.metadata.num_rows, 1)
            done = 0
            for batch in file.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
                cells = {name: _cells(batch.column(name), name) for name in names}
                yield reports_of(cells, np.arange(done + 1, done + 1 + len(batch)), tally)
                advance(size * (done + len(batch)) // rows - size * done // rows)
                done += len(batch)
    except pa.ArrowException as error:
        raise _unreadable(path, error) from error


def _cells(column: Any, name: str) -> Cells:
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_timestamp(column.type):
        whole = column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.int64())
        return np.asarray(whole.fill_null(-1).to_numpy(zero_copy_only=False))
    is_number = pa.types.is_floating(column.type) or pa.types.is_integer(column.type)
    if is_number and name != "timestamp" and name not in NAMES:
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return Coded.of(column)
    return list(column.to_pylist())
