"""HELLO and KEY made by hand: true ones are answered, all others are noise; and HPKE held against its own text."""

import hashlib
import hmac
import random
from itertools import count

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from tests.line.talk import KEYS, LINE, PUBLIC, TAG_KEY, Talk, heartbeat, member

from keepclear.accord import canonical
from keepclear.line import handshake, offer, part
from keepclear.line.offer import Ends
from keepclear.line.session import Event, Noise, Reason, Reply, Session


def hello_of(own: int, line: bytes = LINE, key: int | None = None, **changed: object) -> list[bytes]:
    """A HELLO made by hand, signed by `key`, with fields changed; as datagrams addressed rightly."""
    kem = handshake.KemKey(random.Random(own).randbytes).public
    veiled = handshake.veiled(line, bytes(16))
    hello = handshake.Hello(handshake.HELLO_MAGIC, veiled, own, 1 - own, bytes(16), kem)
    body = canonical.encode(msgspec.structs.replace(hello, **changed))
    signature = KEYS[own if key is None else key].sign(handshake.hello_signing_message(body)).signature
    return carried(part.HELLO, own, handshake.message(body, signature))


def carried(kind: int, own: int, message: bytes, tag_key: bytes = TAG_KEY) -> list[bytes]:
    return offer.datagrams(kind, Ends(LINE, own, 1 - own, b"", tag_key), message)


def last(session: Session, datagrams: list[bytes]) -> list[Event]:
    return [session.receive(datagram, 0) for datagram in datagrams][-1]


def test_a_true_hello_made_by_hand_is_answered() -> None:
    [event] = last(member(0), hello_of(1))
    assert isinstance(event, Reply)
    assert [part.read(d).kind for d in event.datagrams] == [part.HELLO] * 2 + [part.KEY] * 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("datagrams", "reason"),
    [
        (hello_of(1, key=2), Reason.SIGNATURE),
        (hello_of(1, line=bytes(32)), Reason.MALFORMED),
        (hello_of(1, receiver=1), Reason.MALFORMED),
        (hello_of(1, sender=0), Reason.MALFORMED),
        (hello_of(1, magic="keepclear/hello/2"), Reason.MALFORMED),
        (hello_of(1, nonce=bytes(15)), Reason.MALFORMED),
        (hello_of(1, kem=bytes(1_215)), Reason.MALFORMED),
        (hello_of(1, kem=bytes(1_184) + bytes(32)), Reason.MALFORMED),
        (hello_of(1, kem=bytes(1_184) + (1).to_bytes(32, "little")), Reason.MALFORMED),
        (hello_of(1, kem=b"\xff" * 1_184 + bytes([9] * 32)), Reason.MALFORMED),
        (carried(part.HELLO, 1, b"\x92\xc4\x00\xc4\x00"), Reason.SIGNATURE),
        (carried(part.HELLO, 1, b"not canonical"), Reason.MALFORMED),
        (carried(part.KEY, 1, b"\x92\xc4\x00\xc4\x00"), Reason.MALFORMED),
        (carried(part.HELLO, 0, b"from ourselves"), Reason.ADDRESS),
        (carried(part.HELLO, 1, b"by a stranger", bytes(32)), Reason.STRANGER),
        (carried(part.HELLO, 1, bytes(2_400)), Reason.SHAPE),
    ],
    ids=[
        "wrong signer", "another line", "to another", "from another", "another version", "short nonce", "short key",
        "X25519 point zero", "X25519 point of small order", "ML-KEM key out of range", "unsigned", "not canonical",
        "an empty KEY", "own address", "another tag", "three parts",
    ],
)  # fmt: skip
def test_a_hello_that_is_not_the_peers_is_noise_and_leaves_nothing(datagrams: list[bytes], reason: Reason) -> None:
    alfa = member(0)
    assert last(alfa, datagrams) == [Noise(reason)]
    assert alfa.tick(10_000) == [], "no offer was made of it"


def test_a_small_order_node_key_signs_nothing() -> None:
    alfa = member(0)
    alfa.use_keys((1).to_bytes(32, "little"))
    assert last(alfa, hello_of(1)) == [Noise(Reason.SIGNATURE)]


def test_a_node_key_changed_by_a_key_list_is_the_one_that_counts() -> None:
    alfa = member(0)
    alfa.use_keys(PUBLIC[2])
    assert last(alfa, hello_of(1)) == [Noise(Reason.SIGNATURE)]
    assert isinstance(last(alfa, hello_of(1, key=2))[0], Reply)


def test_a_bit_flipped_anywhere_in_a_handshake_is_noise() -> None:
    hello = member(1).hello(0)
    for nth, datagram in enumerate(hello):
        for at in range(len(datagram)):
            spoilt = bytearray(datagram)
            spoilt[at] ^= 1
            alfa = member(0)
            events = [e for d in (*hello[:nth], bytes(spoilt), *hello[nth + 1 :]) for e in alfa.receive(d, 0)]
            assert all(isinstance(event, Noise) for event in events)


def test_a_bit_flipped_in_a_message_that_is_named_anew_is_found_by_the_signature() -> None:
    whole = b"".join(datagram[part.HEADER_BYTES :] for datagram in member(1).hello(0))
    for at in range(len(whole)):
        spoilt = bytearray(whole)
        spoilt[at] ^= 1
        assert last(member(0), carried(part.HELLO, 1, bytes(spoilt))) in (
            [Noise(Reason.SIGNATURE)],
            [Noise(Reason.MALFORMED)],
        )


def test_a_key_for_somebody_elses_hello_or_by_another_hand_is_noise() -> None:
    alfa, bravo = member(0), member(1)
    bravo.hello(0)
    [answer] = last(bravo, alfa.hello(0))
    assert isinstance(answer, Reply)
    key_datagrams = [d for d in answer.datagrams if d[0] == part.KEY]
    assert last(alfa, key_datagrams) == [Noise(Reason.OLD)], "its HELLO was not heard yet"
    last(alfa, bravo.hello(0))
    body, _ = handshake.split(b"".join(d[part.HEADER_BYTES :] for d in key_datagrams))
    forged = KEYS[2].sign(handshake.key_signing_message(body)).signature
    assert last(alfa, carried(part.KEY, 1, handshake.message(body, forged))) == [Noise(Reason.SIGNATURE)]
    key = handshake.read_key(body)
    for changed in ({"sealed": bytes(1_168)}, {"sealed": key.sealed[:-1] + bytes([key.sealed[-1] ^ 1])}):
        other = canonical.encode(msgspec.structs.replace(key, **changed))
        signed = handshake.message(other, KEYS[1].sign(handshake.key_signing_message(other)).signature)
        assert last(alfa, carried(part.KEY, 1, signed)) == [Noise(Reason.MALFORMED)]
    other_start = member(0, seed=1)
    last(other_start, bravo.hello(0))
    assert last(other_start, key_datagrams) == [Noise(Reason.OLD)], "a KEY for another start of ours"
    assert isinstance(last(alfa, key_datagrams)[0], Reply)


# RFC 9180 and X-Wing in the words of their texts, by other means than the library's.

KEM_SUITE = b"KEM" + bytes.fromhex("647a")
XWING_LABEL = bytes.fromhex("5c 2e 2f 2f 5e 5c")
HPKE_SUITE = b"HPKE" + bytes.fromhex("647a 0001 0003")


def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + HPKE_SUITE + label + ikm, "sha256")


def expand(secret: bytes, label: bytes, info: bytes, size: int) -> bytes:
    labelled = size.to_bytes(2, "big") + b"HPKE-v1" + HPKE_SUITE + label + info
    out, block = b"", b""
    for nth in count(1):
        block = hmac.digest(secret, block + labelled + bytes([nth]), "sha256")
        out += block
        if len(out) >= size:
            return out[:size]
    raise AssertionError


def test_the_sealed_secret_opens_by_the_text_of_rfc_9180_and_x_wing() -> None:
    drawn: list[bytes] = []
    chance = random.Random(1)

    def fresh(size: int) -> bytes:
        drawn.append(chance.randbytes(size))
        return drawn[-1]

    key = handshake.KemKey(fresh)
    own, peer, secret = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
    sealed = handshake.seal_secret(secret, key.public, own, peer)
    mlkem, x25519 = MLKEM768PrivateKey.from_seed_bytes(drawn[0]), X25519PrivateKey.from_private_bytes(drawn[1])
    ct_m, ct_x, box = sealed[:1_088], sealed[1_088:1_120], sealed[1_120:]
    shared_x = x25519.exchange(X25519PublicKey.from_public_bytes(ct_x))
    shared = hashlib.sha3_256(mlkem.decapsulate(ct_m) + shared_x + ct_x + key.public[1_184:] + XWING_LABEL).digest()
    info = b"keepclear/key/1\0" + own + peer
    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    master = extract(shared, b"secret", b"")
    box_key, nonce = expand(master, b"key", context, 32), expand(master, b"base_nonce", context, 12)
    assert ChaCha20Poly1305(box_key).decrypt(nonce, box, b"") == secret
    assert key.unseal(sealed, own, peer) == secret
    for chooser, other in ((peer, own), (own, own)):
        with pytest.raises(handshake.BadHandshake, match="not for this pair"):
            key.unseal(sealed, chooser, other)


def test_no_datagram_of_a_session_shows_the_line_to_who_does_not_know_it() -> None:
    """Whoever runs a mailbox has all of them; six bytes in a row would do to look a line up."""
    talk = Talk().start()
    talk.run(5_000, heartbeat)
    assert {datagram[0] for _, datagram in talk.everything} == {part.HELLO, part.KEY, part.FRAME}
    shown = b"".join(datagram for _, datagram in talk.everything)
    assert not [at for at in range(len(LINE) - 5) if LINE[at : at + 6] in shown]
    hellos = [d[part.HEADER_BYTES :] for _, d in talk.everything if d[0] == part.HELLO and d[17] == 0]
    assert len({hello[:60] for hello in hellos}) == 2, "two ends, two nonces: the veil of one is not that of the other"
