"""What can be wrong with a journal, in words for whoever has to mend it."""

from typing import Final

ASIDE: Final = (
    "move the file and its -wal aside and keep them; put the newest copy in their place, or start without: "
    "the node then asks its peers for the record, and its own tracks and plans until now are gone"
)


class JournalError(Exception):
    """The journal cannot be used; the text says why and what to do."""


class JournalBusy(JournalError):
    """Another process has the journal open."""


class JournalDamaged(JournalError):
    """What is in the file is not what was written."""


class JournalFailed(JournalError):
    """The disk did not take a group. Nothing more is taken until the journal is opened anew."""
