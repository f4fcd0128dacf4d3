"""Which Ed25519 keys and signatures are accepted: one rule, at enrolment and at verification.

Verifiers disagree on odd points (Chalkias, Garillot, Nikolaenko, *Taming the many EdDSAs*, 2020): some
multiply by the cofactor, some re-encode, some look for small order. They all agree where the points are
ordinary, so only those are accepted. A public key A and the R of a signature are canonical encodings (RFC
8032, section 5.1.3: y < p, no sign bit on x = 0) of points in the prime-order subgroup other than its
neutral element; S < L (section 5.1.7). No signer that follows RFC 8032 makes anything else.

For R it is enough to look for the odd *encodings* here, provided that the equation is then checked without
the cofactor (as OpenSSL does) and with a key that `point_fault` accepted: S·B - k·A lies in the subgroup,
so an R off the curve or with a small-order part never equals it. A verifier that does multiply by the
cofactor must ask `point_fault` of R too.

Plain arithmetic, not constant time: for public values only.
"""

from __future__ import annotations

from typing import Final

P: Final = 2**255 - 19
"""The field's prime."""
L: Final = 2**252 + 27742317777372353535851937790883648493
"""The order of the subgroup that the base point makes."""
D: Final = -121665 * pow(121666, -1, P) % P
"""The curve: -x² + y² = 1 + d·x²·y²."""
SQRT_MINUS_ONE: Final = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]
"""Extended coordinates X, Y, Z, T: x = X/Z, y = Y/Z, x·y = T/Z (RFC 8032, section 5.1.4)."""

NEUTRAL: Final[Point] = (0, 1, 1, 0)

SMALL_ORDER: Final = frozenset(
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",  # order 1
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # order 2
        "0000000000000000000000000000000000000000000000000000000000000000",  # order 4
        "0000000000000000000000000000000000000000000000000000000000000080",  # order 4
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",  # order 8
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",  # order 8
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",  # order 8
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",  # order 8
    )
)
"""The canonical encodings of the eight points whose order divides the cofactor."""


def add(left: Point, right: Point) -> Point:
    """Add two points (RFC 8032, section 5.1.4; complete, so it doubles too)."""
    x1, y1, z1, t1 = left
    x2, y2, z2, t2 = right
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar: int, point: Point) -> Point:
    """Add `point` to itself: [scalar]point, scalar >= 0."""
    total = NEUTRAL
    while scalar > 0:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def encode(point: Point) -> bytes:
    """Encode canonically: y little-endian, the low bit of x on top (RFC 8032, section 5.1.2)."""
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(encoded: bytes) -> Point | None:
    """Decode strictly (RFC 8032, section 5.1.3).

    Returns:
        The point; None where `encoded` is no canonical encoding of a point on the curve.
    """
    if len(encoded) != 32:
        return None
    number = int.from_bytes(encoded, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * SQRT_MINUS_ONE % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def encoding_fault(encoded: bytes) -> str | None:
    """Name what is odd about an encoding at sight: `not_canonical` or `small_order`; None if nothing."""
    if len(encoded) != 32:
        return "not_canonical"
    if encoded in SMALL_ORDER:
        return "small_order"
    y = int.from_bytes(encoded, "little") & (1 << 255) - 1
    # y = 1 and y = -1 have x = 0: their bare forms are of small order, and a sign bit has no meaning there
    return "not_canonical" if y >= P or y in {1, P - 1} else None


def point_fault(encoded: bytes) -> str | None:
    """Name why a point is not accepted as a public key (or as an R where the cofactor is used).

    Returns:
        None: a canonical encoding of a point of prime order; else `not_canonical`, `not_on_curve`,
        `small_order` or `mixed_order` (a small-order part beside the prime-order one).
    """
    fault = encoding_fault(encoded)
    if fault:
        return fault
    point = decode(encoded)
    if point is None:
        return "not_on_curve"
    x, y, z, _ = multiply(L, point)
    return None if x == 0 and y == z else "mixed_order"


def signature_fault(signature: bytes) -> str | None:
    """Name why R ‖ S cannot be an accepted signature, whatever key and message (see the module's text).

    Returns:
        None, or `length`, `scalar_too_large` (S >= L), or a fault of R as `encoding_fault` names it.
    """
    if len(signature) != 64:
        return "length"
    if int.from_bytes(signature[32:], "little") >= L:
        return "scalar_too_large"
    return encoding_fault(signature[:32])
