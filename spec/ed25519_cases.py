"""Signatures on which libraries disagree, made by plain arithmetic on the curve, and the verdict of suite 1 on each.

Slow and not for secrets: it exists to make vectors. Formulas: RFC 8032, section 5.1.
"""

from hashlib import sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE_BYTES = bytes.fromhex("58" + "66" * 31)
EIGHTH_BYTES = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")  # a point of order 8
NEUTRAL = (0, 1)
SCALAR, NONCE = 123_456_789, 987_654_321
MESSAGE = b"keepclear"

Point = tuple[int, int]
Case = dict[str, str | bool]


def add(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    k = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P


def times(point: Point, n: int) -> Point:
    out = NEUTRAL
    while n:
        if n & 1:
            out = add(out, point)
        point, n = add(point, point), n >> 1
    return out


def decode(data: bytes) -> Point:
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - square) % P == 0, "not on the curve"
    return (P - x if x & 1 != sign else x), y


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    return int.from_bytes(sha512(r + key + message).digest(), "little") % L


def sign(key: Point, r: Point, nonce: int, message: bytes = MESSAGE) -> tuple[bytes, bytes]:
    """The key's bytes and a signature whose S is what an honest scalar and nonce give, whatever the points are."""
    r_bytes, key_bytes = encode(r), encode(key)
    s = (nonce + challenge(r_bytes, key_bytes, message) * SCALAR) % L
    return key_bytes, r_bytes + s.to_bytes(32, "little")


def small_order_encodings() -> list[bytes]:
    """Every 32-byte string that some decoder reads as a point of small order: canonical or not, either sign."""
    eighth = decode(EIGHTH_BYTES)
    ys = sorted({times(eighth, n)[1] for n in range(8)})
    forms = [y + k * P for y in ys for k in range(2) if y + k * P < 2**255]
    return [(form | sign << 255).to_bytes(32, "little") for form in forms for sign in (0, 1)]


def cases() -> list[Case]:
    base, eighth = decode(BASE_BYTES), decode(EIGHTH_BYTES)
    key, r = times(base, SCALAR), times(base, NONCE)
    honest_key, honest = sign(key, r, NONCE)
    s = int.from_bytes(honest[32:], "little")
    out = [_case("honest", honest_key, MESSAGE, honest, True)]
    out += [
        _case(f"S + {n} L", honest_key, MESSAGE, honest[:32] + (s + n * L).to_bytes(32, "little"), False)
        for n in (1, 2, 8)
    ]
    out.append(_case("S of the other sign", honest_key, MESSAGE, honest[:32] + (L - s).to_bytes(32, "little"), False))
    for point in small_order_encodings():
        # With S = 0 and R = the neutral point this is valid for every message, or for one in eight, in lax verifiers.
        out.append(_case("key of small order", point, MESSAGE, NEUTRAL_BYTES + bytes(32), False))
        out.append(_case("key and R of small order", point, MESSAGE, point + bytes(32), False))
        out.append(_case("R of small order", honest_key, MESSAGE, _small_r(point, honest_key), False))
    key_bytes, signature = sign(key, add(r, eighth), NONCE)
    out.append(
        _case("R with a part of order 8: only a cofactored verifier takes it", key_bytes, MESSAGE, signature, False)
    )
    out += _mixed_keys(add(key, eighth), r)
    for name, y in (("y of p + 3", P + 3), ("y of 2^255 - 1", 2**255 - 1)):
        form = y.to_bytes(32, "little")
        out.append(_case(f"R not canonical, {name}", honest_key, MESSAGE, form + honest[32:], False))
        out.append(_case(f"key not canonical, {name}", form, MESSAGE, honest, False))
    out.append(_case("key not on the curve", (2).to_bytes(32, "little"), MESSAGE, honest, False))
    out.append(_case("63 bytes", honest_key, MESSAGE, honest[:63], False))
    out.append(_case("65 bytes", honest_key, MESSAGE, honest + b"\x00", False))
    return out


NEUTRAL_BYTES = encode(NEUTRAL)


def _mixed_keys(key: Point, r: Point) -> list[Case]:
    """A key with a part of order 8 is accepted, and then valid exactly when the cofactorless equation holds."""
    out: dict[bool, Case] = {}
    for n in range(100):
        message = b"keepclear %d" % n
        key_bytes, signature = sign(key, r, NONCE, message)
        holds = challenge(signature[:32], key_bytes, message) % 8 == 0
        words = "holds" if holds else "does not hold"
        out.setdefault(
            holds,
            _case(f"key with a part of order 8, cofactorless equation {words}", key_bytes, message, signature, holds),
        )
    return [out[True], out[False]]


def _small_r(point: bytes, key: bytes) -> bytes:
    """R of small order with the S that makes the cofactored equation hold."""
    s = challenge(point, key, MESSAGE) * SCALAR % L
    return point + s.to_bytes(32, "little")


def _case(name: str, key: bytes, message: bytes, signature: bytes, valid: bool) -> Case:
    return {"name": name, "key": key.hex(), "message": message.hex(), "signature": signature.hex(), "valid": valid}
