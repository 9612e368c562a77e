"""Reports from the JSON that the `traffic` package reads and writes: bytes in, as they come; reports out.

Law: three forms, told apart by how they begin. A list of objects and lines of one object each are read as they come, in
bounded memory; an object of columns, `{"timestamp": {"0": 1533099600000, ...}, ...}`, has to be held whole and may have
64 MB. What is no object of cells is refused as a row, and the rows after it are read.
"""

import json
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
_OBJECT = re.compile(r"(?<=\})\s*,\s*(?=\{)")
_ITEM = re.compile(r"[ \t\r\n,]*")
_SCANNER: Final = json.JSONDecoder()
_BETWEEN_ITEMS: Final = b" \t\r\n,"
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
    """A list of objects; places are numbers of rows.

    Cut where one object follows another and decoded at once; what does not decode so is taken item by item.
    """

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
        if end >= 0:
            return self._reports(end)
        return self._items(ended=False) if len(self._held) > 2 * MAX_LINE_BYTES else NONE

    def close(self) -> Reports:
        """The reports of the last objects."""
        self._held = self._held.strip(_BLANK)
        whole = self._held.endswith(b"]")
        self._held = self._held.removesuffix(b"]")
        result = self._reports(len(self._held)) if whole else self._items(ended=True)
        if not whole:
            self._tally.enter(Doubt.CUT, [self._row + 1])
        return result

    def _reports(self, end: int) -> Reports:
        """The reports of what is held up to there."""
        try:
            rows = _ROWS.decode(b"[" + self._held[:end] + b"]")
        except _WRONG:
            return self._items(ended=end == len(self._held))
        self._held = self._held[end:].lstrip(_BETWEEN_ITEMS)
        first, self._row = self._row + 1, self._row + len(rows)
        return _reports(rows, range(first, self._row + 1), self._tally)

    def _items(self, *, ended: bool) -> Reports:
        """The reports of the items held, one at a time; what is none is skipped up to where an object begins."""
        text = self._held.decode("utf-8", "surrogateescape")
        items: list[str] = []
        at = 0
        while (at := _skipped(text, at)) < len(text):
            try:
                _, end = _SCANNER.raw_decode(text, at)
            except (ValueError, RecursionError):
                if not ended and len(text) - at < MAX_LINE_BYTES:
                    break  # perhaps it goes on
                following = _OBJECT.search(text, at)
                if following is None and not text.endswith("}"):
                    at = len(text)  # cut short: the row that never came
                    break
                end = following.start() if following else len(text)
            items.append(text[at:end])
            at = end
        self._held = text[at:].encode("utf-8", "surrogateescape")
        first, self._row = self._row + 1, self._row + len(items)
        pieces = [item.encode("utf-8", "surrogateescape") for item in items]
        return _one_by_one(list(enumerate(pieces, first)), self._tally)


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


def _skipped(text: str, at: int) -> int:
    """Where the next item begins."""
    match = _ITEM.match(text, at)
    return match.end() if match else at


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
