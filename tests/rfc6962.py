"""RFC 6962 sections 2.1, 2.1.1 and 2.1.2 (RFC 9162 section 2.1), letter by letter: recursive, slow, on lists.

A second implementation to check the first against. It shares no line with it and is used for nothing else.
"""

import hashlib


def H(data):  # noqa: N802 (the RFC's name)
    return hashlib.sha256(data).digest()


def k_of(n):
    """The largest power of two smaller than n, for n > 1: k < n <= 2k."""
    k = 1
    while 2 * k < n:
        k = 2 * k
    return k


def MTH(D):  # noqa: N802, N803
    n = len(D)
    if n == 0:
        return H(b"")
    if n == 1:
        return H(b"\x00" + D[0])
    k = k_of(n)
    return H(b"\x01" + MTH(D[0:k]) + MTH(D[k:n]))


def PATH(m, D):  # noqa: N802, N803
    n = len(D)
    if n == 1:
        assert m == 0
        return []
    k = k_of(n)
    if m < k:
        return [*PATH(m, D[0:k]), MTH(D[k:n])]
    return [*PATH(m - k, D[k:n]), MTH(D[0:k])]


def PROOF(m, D):  # noqa: N802, N803
    return SUBPROOF(m, D, True)


def SUBPROOF(m, D, b):  # noqa: N802, N803
    n = len(D)
    if m == n:
        return [] if b else [MTH(D)]
    k = k_of(n)
    if m <= k:
        return [*SUBPROOF(m, D[0:k], b), MTH(D[k:n])]
    return [*SUBPROOF(m - k, D[k:n], False), MTH(D[0:k])]
