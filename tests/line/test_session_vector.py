"""spec/vectors/line/session.json by the receiver's hand: what a second implementation has to find in the same bytes."""

import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from keepclear.line import channel, handshake, part
from keepclear.record import suite

VECTOR = json.loads((Path(__file__).parents[2] / "spec" / "vectors" / "line" / "session.json").read_text())
LINE = bytes.fromhex(VECTOR["line"])


def whole(member: dict[str, Any], name: str, kind: int) -> tuple[bytes, bytes]:
    """Body and signature of a message, its datagrams having been found right."""
    datagrams = [bytes.fromhex(datagram) for datagram in member[name]]
    data = b"".join(datagram[19:] for datagram in datagrams)
    ends = bytes((member["index"], 1 - member["index"]))
    for nth, datagram in enumerate(datagrams):
        tag = hmac.digest(bytes.fromhex(VECTOR["tag_key"]), datagram[:9] + datagram[15:], "sha256")[:6]
        assert datagram[:19] == bytes((kind,)) + suite.sha(data)[:8] + tag + ends + bytes((nth, 2))
    return handshake.split(data)


@pytest.mark.parametrize("own", [0, 1])
def test_the_vector_is_read_by_the_receiver(own: int) -> None:
    me, other = VECTOR["members"][own], VECTOR["members"][1 - own]
    digests = [bytes.fromhex(member["hello_digest"]) for member in VECTOR["members"]]
    mine, theirs = digests[own], digests[1 - own]

    body, signature = whole(me, "hello_datagrams", part.HELLO)
    public = bytes.fromhex(me["node_public"])
    assert handshake.digest(body) == mine
    assert suite.verify_ed25519(public, b"keepclear/hello-signature/1\x00" + mine, signature)
    draws = iter([me["mlkem_seed"], me["x25519_private"]])
    kem = handshake.KemKey(lambda _size: bytes.fromhex(next(draws)))
    nonce = bytes.fromhex(me["nonce"])
    veiled = suite.sha(b"keepclear/hello-line/1\x00", LINE, nonce)
    assert handshake.read_hello(body) == handshake.Hello("keepclear/hello/1", veiled, own, 1 - own, nonce, kem.public)

    body, signature = whole(other, "key_datagrams", part.KEY)
    key = handshake.read_key(body)
    message = b"keepclear/key-signature/1\x00" + suite.sha(b"keepclear/key/1\x00", body)
    assert suite.verify_ed25519(bytes.fromhex(other["node_public"]), message, signature)
    assert (key.own, key.peer) == (theirs, mine)
    secret = kem.unseal(key.sealed, key.own, key.peer)
    assert secret.hex() == other["secret"]

    direction = bytes((1 - own, own))
    traffic = channel.traffic_key(secret, theirs, mine, direction)
    assert traffic.hex() == other["traffic_key"]
    assert channel.pair_id(digests[0], digests[1], direction).hex() == other["frame_session"]
    assert channel.pair_id(digests[0], digests[1]).hex() == VECTOR["session"]

    datagram = bytes.fromhex(other["frame_datagram"])
    counter = other["frame_counter"]
    assert part.read(datagram) == (part.FRAME, bytes.fromhex(other["frame_session"]), counter, 0, 1)
    opened = ChaCha20Poly1305(traffic).decrypt(counter.to_bytes(12, "big"), datagram[19:], datagram[:19])
    assert opened.hex() == other["frame"]
