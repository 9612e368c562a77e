"""The tag of a handshake datagram: that whoever made it has the genesis, told for the price of one hash.

The law: a tag proves no member and no time. It keeps those who have never seen the genesis from having anything joined,
verified or unsealed here; what it lets through is judged by signature and session as if there were none. Its key comes
from the genesis alone, so that it is the same before and after any change of keys.
"""

import hmac
from typing import Final

from keepclear.line import part

TAG_BYTES: Final = 6
AT: Final = 9  # behind kind and name; sender and receiver come after
ENDS_AT: Final = AT + TAG_BYTES


def tagged(key: bytes, header: part.Header, body: bytes) -> bytes:
    """The datagram of a header, whose counter holds sender and receiver and nothing else, and a body."""
    bare = header.encode() + body
    return bare[:AT] + _tag(key, bare) + bare[ENDS_AT:]


def is_tagged(key: bytes, datagram: bytes) -> bool:
    """Whether a datagram of HELLO, KEY or PIECES was made with this key."""
    return hmac.compare_digest(_tag(key, datagram), datagram[AT:ENDS_AT])


def ends(sender: int, receiver: int) -> int:
    """What stands in the counter's place before the tag is put in."""
    return sender << 8 | receiver


def ends_of(header: part.Header) -> int:
    """Sender and receiver, as `ends` gives them, of a HELLO, KEY or PIECES."""
    return header.counter & 0xFFFF


def _tag(key: bytes, datagram: bytes) -> bytes:
    return hmac.digest(key, datagram[:AT] + datagram[ENDS_AT:], "sha256")[:TAG_BYTES]
