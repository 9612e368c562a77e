"""Reports from CSV: bytes in, as they come; reports out.

Law: the first line names the columns; each line after it is one row, of as many fields. A field may stand in quotes,
without a line end in it, so that a quote that never ends spoils one row. Memory is bounded by what is fed at once.
"""

import csv

import numpy as np

from keepclear.interop.lines import Refused
from keepclear.interop.numbered import NumberedLines
from keepclear.interop.reports import COLUMNS, NONE, Cells, Reports, check_columns, reports_of
from keepclear.interop.tally import Fault, Tally

_BOM = b"\xef\xbb\xbf"


class CsvReader:
    """One file's rows. `feed` it bytes, `close` it at the end; both give reports. Raises Refused for a bad header."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._lines = NumberedLines(tally)
        self._columns: dict[str, int] = {}
        self._width = 0

    def feed(self, data: bytes) -> Reports:
        """The reports of the lines that ended in `data`."""
        return self._reports(self._lines.feed(data))

    def close(self) -> Reports:
        """The reports of a last line that did not end."""
        result = self._reports(self._lines.close())
        if not self._width:
            raise Refused("columns", "the file has no line", f"begin it with a line {','.join(COLUMNS)}")
        return result

    def _reports(self, lines: list[bytes]) -> Reports:
        first = self._lines.done - len(lines) + 1
        if lines and not self._width:
            self._take_header(lines.pop(0))
            first += 1
        if not lines:
            return NONE
        rows, places = [], []
        for place, line in enumerate(lines, first):
            row = _fields(line)
            if len(row) == self._width:
                rows.append(row)
                places.append(place)
            elif row:
                self._tally.rows += 1
                self._tally.enter(Fault.FIELDS, [place])
        columns = list(zip(*rows, strict=True)) if rows else [()] * self._width
        cells: dict[str, Cells] = {name: columns[at] for name, at in self._columns.items()}
        return reports_of(cells, np.array(places, dtype=np.int64), self._tally)

    def _take_header(self, line: bytes) -> None:
        names = [name.decode("utf-8", "replace").strip() for name in _fields(line.removeprefix(_BOM))]
        check_columns(names)
        self._columns = {name: names.index(name) for name in COLUMNS if name in names}
        self._width = len(names)


def _fields(line: bytes) -> list[bytes]:
    """The fields of a line; none of a blank one, and one alone of a line with a quote that does not end."""
    line = line.removesuffix(b"\r")
    if b'"' not in line:
        return line.split(b",") if line.strip() else []
    try:
        rows = list(csv.reader([line.decode("utf-8", "surrogateescape")], strict=True))
    except csv.Error:
        return [line]
    return [field.encode("utf-8", "surrogateescape") for field in rows[0]]
