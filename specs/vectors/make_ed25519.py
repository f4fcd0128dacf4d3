"""Writes ed25519.json: keys and signatures on which implementations of Ed25519 disagree, each with the one answer that
checkpoint.md, 5 demands. Uses nothing but Python: RFC 8032, and the torsion points of its curve, followed by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
NEUTRAL = (0, 1)
Point = tuple[int, int]
HERE = Path(__file__).parent
MESSAGE = b"evidence"


def add(a: Point, b: Point) -> Point:
    """The sum of two points, in affine coordinates."""
    k = D * a[0] * b[0] * a[1] * b[1]
    x = (a[0] * b[1] + a[1] * b[0]) * pow(1 + k, -1, P)
    return x % P, (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P) % P


def times(n: int, point: Point) -> Point:
    """A multiple of a point."""
    out = NEUTRAL
    for bit in f"{n:b}":
        out = add(out, out)
        out = add(out, point) if bit == "1" else out
    return out


def encode(point: Point) -> bytes:
    """32 bytes of a point (RFC 8032, 5.1.2)."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def lift(y: int, sign: int) -> Point:
    """The point with this y and this parity of x (RFC 8032, 5.1.3); ValueError where there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        raise ValueError("no such point")
    return (x if x & 1 == sign else P - x), y


BASE = lift(4 * pow(5, -1, P) % P, 0)


def eighth() -> Point:
    """A point of order 8: L times any point of full order."""
    for y in range(2, 100):
        try:
            point = times(L, lift(y, 0))
        except ValueError:
            continue
        if times(4, point) != NEUTRAL:
            return point
    raise AssertionError


def scalar(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def half(number: int) -> bytes:
    return number.to_bytes(32, "little")


SECRET, NONCE, TORSION = scalar(b"secret"), scalar(b"nonce"), eighth()
KEY, R = encode(times(SECRET, BASE)), encode(times(NONCE, BASE))
SMALL = sorted({encode(times(n, TORSION)) for n in range(8)})


def signed(key: bytes = KEY, r: bytes = R, message: bytes = MESSAGE, nonce: int = NONCE) -> bytes:
    """A signature whose S fits the hash of whatever key and R are given."""
    return r + half((nonce + scalar(r, key, message) * SECRET) % L)


def whole(key: bytes, order: int, with_r: Point = NEUTRAL) -> bytes:
    """A signature whose hash is 0 modulo `order`, so that small parts of the key vanish from the equation."""
    for nonce in range(1, 10_000):
        r = encode(add(times(nonce, BASE), with_r))
        if scalar(r, key, MESSAGE) % order == 0:
            return signed(key, r, nonce=nonce)
    raise AssertionError


def vectors() -> list[dict[str, object]]:
    """All vectors; `accepted` is the answer, `key_accepted` that about the key alone."""
    good, mixed = signed(), encode(add(times(SECRET, BASE), TORSION))
    s, out = int.from_bytes(good[32:], "little"), []

    def put(
        what: str,
        key: bytes,
        signature: bytes,
        message: bytes = MESSAGE,
        *,
        good_key: bool = True,
        accepted: bool = False,
    ) -> None:
        out.append(
            {
                "accepted": accepted,
                "key": key.hex(),
                "key_accepted": good_key,
                "message": message.hex(),
                "signature": signature.hex(),
                "what": what,
            }
        )

    for size in (0, 1, 127, 128, 1000):
        message = bytes(range(256)) * 4
        put(f"good, over {size} bytes", KEY, signed(message=message[:size]), message[:size], accepted=True)
    put("good, of a second key", encode(BASE), R + half((NONCE + scalar(R, encode(BASE), MESSAGE)) % L), accepted=True)
    put("S is 0, R is minus k times the key", KEY, zero_s(), accepted=False)
    put("another message", KEY, good, MESSAGE + b"!")
    for at in (0, 31, 32, 63):
        put(f"a bit of byte {at} changed", KEY, good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
    put("S is L more", KEY, good[:32] + half(s + L))
    put("S is 8 L more", KEY, good[:32] + half((s + 8 * L) % 2**256))
    put("S is L, R neutral", KEY, encode(NEUTRAL) + half(L))
    put("all zero", KEY, bytes(64))
    put("all ones", KEY, b"\xff" * 64)
    for size in (0, 32, 63):
        put(f"cut to {size} bytes", KEY, good[:size])
    put("a byte too many", KEY, good + b"\0")
    put("key cut to 31 bytes", KEY[:31], good, good_key=False)
    put("key of 33 bytes", KEY + b"\0", good, good_key=False)
    put("empty key", b"", good, good_key=False)
    for point in SMALL:
        put(f"key of small order {point.hex()[:8]}…{point.hex()[-2:]}", point, point + bytes(32), good_key=False)
        put(
            f"key of small order {point.hex()[:8]}…{point.hex()[-2:]}, S of R alone",
            point,
            R + half(NONCE),
            good_key=False,
        )
        put(f"R of small order {point.hex()[:8]}…{point.hex()[-2:]}", KEY, signed(r=point, nonce=0))
    for y in (P, P + 1, P + 2, P + 18):
        for sign in (0, 1):
            odd = half(y | sign << 255)
            put(f"key not canonical, y = p + {y - P}, sign {sign}", odd, signed(odd), good_key=False)
            put(f"R not canonical, y = p + {y - P}, sign {sign}", KEY, signed(r=odd))
    for y in (1, P - 1):
        put(f"key with x = 0 and sign 1, y = {'1' if y == 1 else 'p - 1'}", half(y | 1 << 255), good, good_key=False)
        put(f"R with x = 0 and sign 1, y = {'1' if y == 1 else 'p - 1'}", KEY, signed(r=half(y | 1 << 255), nonce=0))
    for y in (2, 7):
        put(f"key on no point, y = {y}", half(y), good, good_key=False)
    put("key of mixed order, holds multiplied by the cofactor alone", mixed, signed(mixed), good_key=False)
    put("key of mixed order, holds without the cofactor, too", mixed, whole(mixed, 8), good_key=False)
    put(
        "R of mixed order, holds multiplied by the cofactor alone",
        KEY,
        signed(r=encode(add(times(NONCE, BASE), TORSION))),
    )
    put("key and R of mixed order", mixed, whole(mixed, 8, TORSION), good_key=False)
    put("key of the other sign", KEY[:31] + bytes([KEY[31] ^ 0x80]), good)
    put("R of the other sign", KEY, good[:31] + bytes([good[31] ^ 0x80]) + good[32:])
    return out


def zero_s() -> bytes:
    """S = 0 with an R that was made for another hash: no equation holds."""
    return encode(times(L - scalar(R, KEY, MESSAGE), times(SECRET, BASE))) + bytes(32)


def main() -> None:
    document = {"rule": "checkpoint.md, 5", "vectors": vectors()}
    (HERE / "ed25519.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
