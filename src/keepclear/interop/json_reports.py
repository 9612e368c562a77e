"""Reports from the JSON that the `traffic` package reads and writes: bytes in, as they come; reports out.

Law: three forms, told apart by how they begin. A list of objects and lines of one object each are read as they come, in
bounded memory; an object of columns, `{"timestamp": {"0": 1533099600000, ...}, ...}`, has to be held whole and may have
64 MB. What is no object of cells is refused as a row, and the rows after it are read.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, Protocol

import msgspec
import numpy as np

from keepclear.interop.lines import Refused
from keepclear.interop.numbered import MAX_LINE_BYTES, NumberedLines
from keepclear.interop.reports import COLUMNS, NONE, Cells, Reports, check_columns, reports_of
from keepclear.interop.tally import Doubt, Fault, Tally

MAX_TABLE_BYTES: Final = 67_108_864  # decoded it takes about ten times as much
SNIFFED_BYTES: Final = 4_096
_TABLE = re.compile(rb'\s*\{\s*"[^"]*"\s*:\s*\{')
_BETWEEN = re.compile(rb"(?<=\})\s*,\s*(?=\{)")
_BLANK: Final = b" \t\r\n"
_BOM: Final = b"\xef\xbb\xbf"
_HINT: Final = "give a list of objects, one object a line, or an object of columns, named as the `traffic` package does"
_WRONG: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Row(msgspec.Struct, gc=False):
    """A row's cells, of whatever type; other keys are passed over."""

    timestamp: Any = None
    latitude: Any = None
    longitude: Any = None
    track_id: Any = None
    icao24: Any = None
    callsign: Any = None
    altitude: Any = None
    groundspeed: Any = None
    track: Any = None
    vertical_rate: Any = None


_ROW: Final = msgspec.json.Decoder(_Row)
_ROWS: Final = msgspec.json.Decoder(list[_Row])
_RAWS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_CELLS: Final = msgspec.json.Decoder(dict[str, dict[str, Any]])


class Reader(Protocol):
    """One file's rows. `feed` it bytes, `close` it at the end; both give reports and may raise Refused."""

    def feed(self, data: bytes) -> Reports:
        """The reports of the rows that ended in `data`."""

    def close(self) -> Reports:
        """The reports of what is left."""


def json_reader(head: bytes, tally: Tally) -> Reader:
    """The reader for a file that begins with `head` (SNIFFED_BYTES are enough). Raises Refused if it is no JSON."""
    head = head.removeprefix(_BOM).lstrip(_BLANK)
    if head[:1] == b"[":
        tally.noun = "row"
        return JsonListReader(tally)
    if _TABLE.match(head):
        tally.noun = "row"
        return JsonTableReader(tally)
    if head[:1] == b"{":
        return JsonLinesReader(tally)
    shown = f"it begins with {head[:20].decode('utf-8', 'replace')!r}" if head else "it is empty"
    raise Refused("not_json", f"no JSON: {shown}", _HINT)


class JsonLinesReader:
    """Lines of one object each."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._lines = NumberedLines(tally)

    def feed(self, data: bytes) -> Reports:
        """The reports of the lines that ended in `data`."""
        return self._reports(self._lines.feed(data))

    def close(self) -> Reports:
        """The reports of a last line that did not end."""
        return self._reports(self._lines.close())

    def _reports(self, lines: list[bytes]) -> Reports:
        first = self._lines.done - len(lines) + 1
        said = [line.removeprefix(_BOM).strip(_BLANK) for line in lines]
        objects = [(place, line) for place, line in enumerate(said, first) if line]
        try:
            rows = _ROWS.decode(b"[" + b",".join(line for _, line in objects) + b"]")
        except _WRONG:
            return _one_by_one(objects, self._tally)
        if len(rows) != len(objects):  # two on one line
            return _one_by_one(objects, self._tally)
        return _reports(rows, [place for place, _ in objects], self._tally)


class JsonListReader:
    """A list of objects; places are numbers of rows."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._held = b""
        self._begun = False
        self._row = 0

    def feed(self, data: bytes) -> Reports:
        """The reports of the objects that ended in `data` and that another one follows."""
        self._held += data
        if not self._begun:
            self._held = self._held.removeprefix(_BOM).lstrip(_BLANK)[1:]
            self._begun = True
        end = -1
        for between in _BETWEEN.finditer(self._held, max(0, len(self._held) - 2 * MAX_LINE_BYTES)):
            end = between.start()
        if end < 0:
            if len(self._held) > len(data) + 2 * MAX_LINE_BYTES:
                raise Refused("not_json", f"no object ends within {2 * MAX_LINE_BYTES} bytes", _HINT)
            return NONE
        ended, self._held = self._held[:end], self._held[end:].lstrip(b" \t\r\n,")
        return self._reports(ended)

    def close(self) -> Reports:
        """The reports of the last objects."""
        rest = self._held.strip(_BLANK)
        whole = rest.endswith(b"]")
        end = len(rest) - 1 if whole else rest.rfind(b"}") + 1
        result = self._reports(rest[:end])
        if not whole:
            self._tally.enter(Doubt.CUT, [self._row + 1])
        return result

    def _reports(self, ended: bytes) -> Reports:
        try:
            rows = _ROWS.decode(b"[" + ended + b"]")
        except _WRONG:
            pieces = _pieces(ended)
            first, self._row = self._row + 1, self._row + len(pieces)
            return _one_by_one(list(enumerate(pieces, first)), self._tally)
        first, self._row = self._row + 1, self._row + len(rows)
        return _reports(rows, range(first, self._row + 1), self._tally)


class JsonTableReader:
    """An object of columns; places are numbers of rows."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._held = bytearray()

    def feed(self, data: bytes) -> Reports:
        """Nothing yet: all of it is needed."""
        self._held += data
        if len(self._held) > MAX_TABLE_BYTES:
            reason = f"an object of columns of over {MAX_TABLE_BYTES} bytes"
            raise Refused("too_large", reason, "write it as a list or lines of objects, as CSV or as Parquet")
        return NONE

    def close(self) -> Reports:
        """The reports of all rows."""
        try:
            table = _CELLS.decode(bytes(self._held).removeprefix(_BOM))
        except _WRONG as error:
            raise Refused("not_json", f"not an object of columns: {error}", _HINT) from None
        check_columns(list(table))
        keys = list(table["timestamp"])
        cells: dict[str, Cells] = {}
        for name in COLUMNS:
            if name in table:
                cells[name] = [table[name].get(key) for key in keys]
        return reports_of(cells, np.arange(1, len(keys) + 1), self._tally)


def _pieces(ended: bytes) -> list[bytes]:
    """The items of a list of which not all are objects, or the pieces of one that is no list."""
    try:
        return [bytes(raw) for raw in _RAWS.decode(b"[" + ended + b"]")]
    except _WRONG:
        return _BETWEEN.split(ended)


def _one_by_one(objects: Sequence[tuple[int, bytes]], tally: Tally) -> Reports:
    rows, places = [], []
    for place, line in objects:
        try:
            rows.append(_ROW.decode(line))
            places.append(place)
        except _WRONG:
            tally.rows += 1
            tally.enter(Fault.FIELDS, [place])
    return _reports(rows, places, tally)


def _reports(rows: Sequence[_Row], places: Sequence[int], tally: Tally) -> Reports:
    cells: dict[str, Cells] = {name: [getattr(row, name) for row in rows] for name in COLUMNS}
    return reports_of(cells, np.array(places, dtype=np.int64), tally)
