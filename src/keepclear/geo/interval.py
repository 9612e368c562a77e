"""Interval: half-open spans of time, many at once, each belonging to a key.

Law: a span has begin < end; spans of one key that overlap or touch are one span.
"""

from dataclasses import dataclass, replace

import numpy as np

from keepclear.geo.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans [begin, end) by key; `leg` is the leg on which it begins, `crossed` whether through a border."""

    key: IntArray
    begin: FloatArray
    end: FloatArray
    leg: IntArray
    crossed: BoolArray

    def __len__(self) -> int:
        return len(self.key)

    def take(self, index: IntArray | BoolArray) -> "Spans":
        """The spans at an index array or mask."""
        return Spans(self.key[index], self.begin[index], self.end[index], self.leg[index], self.crossed[index])

    def within(self, begin: FloatArray, end: FloatArray) -> "Spans":
        """The parts of the spans inside [begin, end), one pair a span; what is empty then is dropped."""
        first, last = np.maximum(self.begin, begin), np.minimum(self.end, end)
        crossed = self.crossed & (first == self.begin)
        return Spans(self.key, first, last, self.leg, crossed).take(first < last)


def together(*many: Spans) -> Spans:
    """All spans in one."""
    columns = ([getattr(spans, name) for spans in many] for name in ("key", "begin", "end", "leg", "crossed"))
    return Spans(*(np.concatenate(column) for column in columns))


def merged(spans: Spans, gap: float) -> Spans:
    """Spans of one key that overlap, touch or are less than gap apart made one; sorted by key and begin."""
    if not len(spans):
        return spans
    spans = spans.take(np.lexsort((spans.begin, spans.key)))
    # A running maximum that starts anew with every key: keys are lifted clear of each other.
    lift = (spans.end.max() - spans.begin.min() + gap + 1) * np.unique(spans.key, return_inverse=True)[1]
    reach = np.maximum.accumulate(spans.end + lift)
    first = np.concatenate([[True], spans.begin[1:] + lift[1:] > reach[:-1] + gap])
    start = np.nonzero(first)[0]
    return replace(spans.take(start), end=np.maximum.reduceat(spans.end, start))


def holder(inner: Spans, outer: Spans) -> IntArray:
    """For each inner span the index of the outer span of its key that holds its begin; both sorted, as `merged`."""
    key = np.concatenate([outer.key, inner.key])
    begin = np.concatenate([outer.begin, inner.begin])
    is_inner = np.repeat([0, 1], [len(outer), len(inner)])
    order = np.lexsort((is_inner, begin, key))
    index = np.where(order < len(outer), order, -1)
    last = np.maximum.accumulate(index)
    return last[order >= len(outer)]
