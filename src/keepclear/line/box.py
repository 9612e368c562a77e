"""Mailboxes: the name of the one that a member's datagrams for another are put in.

The law: both ends make the same name from what only members of the line know, and nothing is asked of the mailbox to
agree on it. Each direction has a box of its own. The name keeps strangers out; it protects nothing from a member, who
can make it too and finds sealed datagrams there.
"""

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NAME_BYTES: Final = 32


def name(line: bytes, sender_key: bytes, receiver_key: bytes) -> bytes:
    """The 32-byte name of the box from one member to another, by their node keys (Ed25519, public).

    HKDF-SHA256 of the line's id, salted by the sender's key and the receiver's.
    """
    salt = sender_key + receiver_key
    return HKDF(algorithm=SHA256(), length=NAME_BYTES, salt=salt, info=b"keepclear/box/1").derive(line)
