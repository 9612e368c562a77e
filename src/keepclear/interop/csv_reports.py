"""Reports from CSV: bytes in, as they come; reports out.

Law: the first line names the columns; each line after it is one row, of as many fields. A field may stand in quotes,
without a line end in it, so that a quote that never ends spoils one row. Memory is bounded by what is fed at once.

Two ways lead to the same reports: many lines at once by pyarrow if nothing is wrong with any of them, and line by line
if anything is, so that each row at fault is known by its line.
"""

import csv
from typing import Final

import numpy as np

from keepclear.interop.lines import Refused
from keepclear.interop.numbered import NumberedLines
from keepclear.interop.reports import COLUMNS, NAMES, NONE, Cells, Coded, Reports, check_columns, reports_of
from keepclear.interop.tally import Fault, Tally

AT_ONCE: Final = 50  # rows; fewer are read sooner than pyarrow is imported
TEXTS: Final = frozenset({"timestamp", *NAMES})
NULLS: Final = ["", "nan", "NaN", "NAN", "null", "None", "NA", "N/A", "<NA>"]
_BOM: Final = b"\xef\xbb\xbf"


class CsvReader:
    """One file's rows. `feed` it bytes, `close` it at the end; both give reports. Raises Refused for a bad header."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._lines = NumberedLines(tally)
        self._names: list[str] = []

    def feed(self, data: bytes) -> Reports:
        """The reports of the lines that ended in `data`."""
        return self._reports(self._lines.block(data))

    def close(self) -> Reports:
        """The reports of a last line that did not end."""
        result = self._reports(b"".join(line + b"\n" for line in self._lines.close()))
        if not self._names:
            raise Refused("columns", "the file has no line", f"begin it with a line {','.join(COLUMNS)}")
        return result

    def _reports(self, block: bytes) -> Reports:
        first = self._lines.done - block.count(b"\n") + 1
        if block and not self._names:
            header, _, block = block.partition(b"\n")
            self._take_header(header)
            first += 1
        if not block:
            return NONE
        length = block.count(b"\n")
        fast = self._at_once(block, length) if length >= AT_ONCE else None
        if fast is not None:
            return reports_of(fast, np.arange(first, first + length), self._tally)
        cells, places = self._line_by_line(block.split(b"\n")[:-1], first)
        return reports_of(cells, np.array(places, dtype=np.int64), self._tally)

    def _at_once(self, block: bytes, length: int) -> dict[str, Cells] | None:
        """The cells of whole lines by pyarrow; None if anything is wrong with any."""
        import pyarrow as pa  # noqa: PLC0415 - 0.3 s, and only large files need it
        from pyarrow import csv as pa_csv  # noqa: PLC0415

        wanted = [name for name in COLUMNS if name in self._names]
        kinds = {name: pa.string() if name in TEXTS else pa.float64() for name in wanted}
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(block),
                pa_csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=self._names),
                pa_csv.ParseOptions(newlines_in_values=False),
                pa_csv.ConvertOptions(column_types=kinds, include_columns=wanted, null_values=NULLS),
            )
        except (pa.ArrowException, UnicodeDecodeError):
            return None
        if table.num_rows != length:  # a blank line, or a quote over two
            return None
        columns = {name: table.column(name).combine_chunks() for name in wanted}
        return {
            name: Coded.of(column) if name in TEXTS else column.to_numpy(zero_copy_only=False)
            for name, column in columns.items()
        }

    def _line_by_line(self, lines: list[bytes], first: int) -> tuple[dict[str, Cells], list[int]]:
        rows, places = [], []
        for place, line in enumerate(lines, first):
            row = _fields(line)
            if len(row) == len(self._names):
                rows.append(row)
                places.append(place)
            elif row:
                self._tally.rows += 1
                self._tally.enter(Fault.FIELDS, [place])
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(self._names)
        return {name: columns[self._names.index(name)] for name in COLUMNS if name in self._names}, places

    def _take_header(self, line: bytes) -> None:
        names = [name.decode("utf-8", "replace").strip() for name in _fields(line.removeprefix(_BOM))]
        check_columns(names)
        again = [name for name in COLUMNS if names.count(name) > 1]
        if again:
            raise Refused("columns", f"there are two columns {again[0]}", "leave one of them out")
        self._names = names


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
