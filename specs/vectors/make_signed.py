"""Makes checkpoint.json and sshsig.json: what was signed, and the same with one fault each.

Keys come from seeds, but signing with ML-DSA and the making of RSA keys are random: what stands in the files already is
kept as long as it verifies, so that running this again changes nothing. Nothing of evidencekit is used.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from make_vectors import HERE, root, sha256, write


def kept(name: str) -> dict:
    """What a file says so far."""
    path = HERE / name
    return json.loads(path.read_text()) if path.exists() else {}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def raw(key: Ed25519PrivateKey | MLDSA44PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


# --- checkpoint.json: C2SP signed-note, tlog-checkpoint, tlog-cosignature -----------------------------------------

ORIGIN, OTHER = "unit7.example/24-117", "unit8.example/24-117"
ED25519, MLDSA44 = 0x01, 0x06
CLASSIC = Ed25519PrivateKey.from_private_bytes(sha256(b"evidencekit vectors: log, Ed25519"))
QUANTUM = MLDSA44PrivateKey.from_seed_bytes(sha256(b"evidencekit vectors: log, ML-DSA-44"))
SECOND = Ed25519PrivateKey.from_private_bytes(sha256(b"evidencekit vectors: another log, Ed25519"))
SIZES = (0, 1, 3, 9)


def key_id(name: str, kind: int, key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + key)[:4]


def vkey(name: str, kind: int, key: bytes) -> str:
    return f"{name}+{key_id(name, kind, key).hex()}+{b64(bytes([kind]) + key)}"


def line(name: str, kind: int, key: bytes, signature: bytes) -> str:
    return f"\u2014 {name} {b64(key_id(name, kind, key) + signature)}\n"


def message(size: int, timestamp: int = 0) -> bytes:
    """`cosigned_message` of tlog-cosignature, over the whole tree."""
    name = ORIGIN.encode()
    sized = bytes([len(name)]) + name
    tree = struct.pack(">QQ", 0, size) + base64.b64decode(root(size))
    return b"subtree/v1\n\0" + sized + struct.pack(">Q", timestamp) + sized + tree


def quantum(size: int, timestamp: int, old: dict[str, str]) -> bytes:
    """The ML-DSA signature of a tree: the one that stands there, if it holds."""
    signature = base64.b64decode(old.get(f"{size} at {timestamp}", ""))
    try:
        QUANTUM.public_key().verify(signature, message(size, timestamp))
    except (InvalidSignature, ValueError):
        return QUANTUM.sign(message(size, timestamp))
    return signature


def make_checkpoint() -> dict:
    old = kept("checkpoint.json").get("mldsa44_signatures", {})
    signatures = {f"{size} at 0": b64(quantum(size, 0, old)) for size in SIZES}
    signatures["3 at 1"] = b64(quantum(3, 1, old))
    text = {size: f"{ORIGIN}\n{size}\n{root(size)}\n" for size in SIZES}

    def first(signed: str, name: str = ORIGIN, key: Ed25519PrivateKey = CLASSIC) -> str:
        return line(name, ED25519, raw(key), key.sign(signed.encode()))

    def second(which: str, timestamp: int = 0, name: str = ORIGIN) -> str:
        return line(name, MLDSA44, raw(QUANTUM), struct.pack(">Q", timestamp) + base64.b64decode(signatures[which]))

    one, two = first(text[3]), second("3 at 0")
    note = text[3] + "\n" + one + two

    def said(*lines: str) -> str:
        """A note of these text lines, well signed with Ed25519."""
        whole = "".join(each + "\n" for each in lines)
        return whole + "\n" + first(whole) + two

    def bent(text_line: str, place: int) -> str:
        """A signature line with one bit changed, `place` bytes from the start of key id and signature."""
        start, _, encoded = text_line.strip().rpartition(" ")
        data = bytearray(base64.b64decode(encoded))
        data[place] ^= 1
        return f"{start} {b64(data)}\n"

    tree = root(3)
    head = text[3] + "\n"
    refused = {
        "E105": {
            "nothing": "",
            "no signatures": text[3],
            "no signature lines": head,
            "no empty line": text[3] + one + two,
            "no newline at the end": note[:-1],
            "empty line at the end": note + "\n",
            "CRLF": note.replace("\n", "\r\n"),
            "byte order mark": "\ufeff" + note,
            "hyphen for the dash": note.replace("\u2014", "-"),
            "two spaces in a line": head + one.replace("\u2014 ", "\u2014  ") + two,
            "signature without padding": head + one.replace("=\n", "\n") + two,
            "extension line": said(ORIGIN, "3", tree, "extension"),
            "two lines": said(ORIGIN, "3"),
            "size with a leading zero": said(ORIGIN, "03", tree),
            "size with a sign": said(ORIGIN, "+3", tree),
            "negative size": said(ORIGIN, "-3", tree),
            "size 2^63": said(ORIGIN, str(2**63), tree),
            "root in hex": said(ORIGIN, "3", base64.b64decode(tree).hex()),
            "root of 31 bytes": said(ORIGIN, "3", b64(bytes(31))),
            "root without padding": said(ORIGIN, "3", tree.rstrip("=")),
            "root with unused bits": said(ORIGIN, "3", tree[:-2] + chr(ord(tree[-2]) + 1) + "="),
            "another origin": said(OTHER, "3", tree),
            "origin without dot": said("unit7/24-117", "3", tree),
            "origin without path": said("unit7.example", "3", tree),
            "origin with an empty segment": said("unit7.example//24-117", "3", tree),
            "origin with a space": said("unit7.example/24 117", "3", tree),
            "origin of 201 bytes": said("unit7.example/" + "x" * 187, "3", tree),
            "another size than its file": text[9] + "\n" + first(text[9]) + second("9 at 0"),
        },
        "E405": {
            "Ed25519 alone": head + one,
            "ML-DSA-44 alone": head + two,
            "lines swapped": head + two + one,
            "a line twice": head + one + one,
            "a third line": note + line("witness.example/w", ED25519, raw(SECOND), bytes(64)),
            "another log's name": head + first(text[3], name=OTHER) + two,
            "another key": head + first(text[3], key=SECOND) + two,
            "key id with a bit changed": head + bent(one, 0) + two,
            "ML-DSA-44 with a timestamp": head + one + second("3 at 1", timestamp=1),
            "ML-DSA-44 without its timestamp": head + one + line(
                ORIGIN, MLDSA44, raw(QUANTUM), base64.b64decode(signatures["3 at 0"])),
            "Ed25519 signature of 63 bytes": head + line(
                ORIGIN, ED25519, raw(CLASSIC), CLASSIC.sign(text[3].encode())[:63]) + two,
        },
        "E406": {
            "Ed25519 signature with a bit changed": head + bent(one, 10) + two,
            "Ed25519 scalar above the order": head + one.replace(one, high_scalar(text[3])) + two,
            "ML-DSA-44 signature with a bit changed": head + one + bent(two, 100),
            "Ed25519 signature of another tree": head + first(text[1]) + two,
            "ML-DSA-44 signature of another tree": head + one + second("1 at 0"),
            "ML-DSA-44 signature of another time": head + one + second("3 at 1"),
            "another root": said(ORIGIN, "3", root(4)),
            "both of another tree": head + first(text[1]) + second("1 at 0"),
        },
    }  # fmt: skip
    low = {
        "neutral element": "01" + "00" * 31,
        "order 2": "ec" + "ff" * 30 + "7f",
        "order 4": "00" * 32,
        "order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "not canonical": "ed" + "ff" * 30 + "7f",
        "sign bit on x = 0": "01" + "00" * 30 + "80",
        "not on the curve": "02" + "00" * 31,
    }
    return {
        "spec": "checkpoint.md",
        "about": "a log at size 3, unless said otherwise; `finding` is what a verifier says of checkpoints/00000003",
        "origin": ORIGIN,
        "log_keys": [vkey(ORIGIN, ED25519, raw(CLASSIC)), vkey(ORIGIN, MLDSA44, raw(QUANTUM))],
        "accepted": [
            {"size": size, "root": root(size), "note": text[size] + "\n" + first(text[size]) + second(f"{size} at 0")}
            for size in SIZES
        ],
        "refused": [
            {"fault": fault, "finding": finding, "note": each}
            for finding, faults in refused.items()
            for fault, each in faults.items()
        ],
        "ed25519_keys_refused": [{"fault": fault, "key": key} for fault, key in low.items()],
        "mldsa44_signatures": signatures,
    }


def high_scalar(text: str) -> str:
    """S + L instead of S: the same equation, which RFC 8032 forbids."""
    signature = CLASSIC.sign(text.encode())
    s = int.from_bytes(signature[32:], "little") + 2**252 + 27742317777372353535851937790883648493
    return line(ORIGIN, ED25519, raw(CLASSIC), signature[:32] + s.to_bytes(32, "little"))


# --- sshsig.json: OpenSSH PROTOCOL.sshsig, PROTOCOL.u2f --------------------------------------------------------------

MESSAGE = b'{"_t":"evidencekit/event/1"}'
NAMESPACE = "evidencekit-event"


def string(value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data


def mpint(value: int) -> bytes:
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def signed_data(text: bytes = MESSAGE, namespace: str = NAMESPACE, name: str = "sha512") -> bytes:
    digest = hashlib.new(name, text).digest()
    return b"SSHSIG" + string(namespace) + string(b"") + string(name) + string(digest)


def armour(blob: bytes, columns: int = 70, newline: str = "\n") -> str:
    text = b64(blob)
    rows = [text[at : at + columns] for at in range(0, len(text), columns)]
    return newline.join(["-----BEGIN SSH SIGNATURE-----", *rows, "-----END SSH SIGNATURE-----", ""])


def sshsig(
    key: bytes,
    signature: bytes,
    *,
    namespace: str = NAMESPACE,
    version: int = 1,
    reserved: bytes = b"",
    name: str = "sha512",
) -> bytes:
    return (
        b"SSHSIG" + struct.pack(">I", version) + string(key) + string(namespace) + string(reserved) + string(name)
        + string(signature)
    )  # fmt: skip


def person(seed: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(b"evidencekit vectors: " + seed.encode()))


def ed25519_blob(key: Ed25519PrivateKey) -> bytes:
    return string("ssh-ed25519") + string(raw(key))


def ed25519_signature(key: Ed25519PrivateKey, data: bytes) -> bytes:
    return string("ssh-ed25519") + string(key.sign(data))


def curve_key(curve: ec.EllipticCurve, seed: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(sha256(seed.encode()), "big"), curve)


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def ecdsa(key: ec.EllipticCurvePrivateKey, data: bytes, digest: hashes.HashAlgorithm) -> tuple[int, int]:
    return utils.decode_dss_signature(key.sign(data, ec.ECDSA(digest, deterministic_signing=True)))


def rsa_key(bits: int, old: dict[str, str]) -> tuple[rsa.RSAPrivateKey, dict[str, str]]:
    """The key of the primes that stand there, or a new one."""
    if old:
        p, q = int(old["p"], 16), int(old["q"], 16)
        d = pow(65537, -1, (p - 1) * (q - 1))
        numbers = rsa.RSAPrivateNumbers(
            p,
            q,
            d,
            rsa.rsa_crt_dmp1(d, p),
            rsa.rsa_crt_dmq1(d, q),
            rsa.rsa_crt_iqmp(p, q),
            rsa.RSAPublicNumbers(65537, p * q),
        )
        return numbers.private_key(), old
    key = rsa.generate_private_key(65537, bits)
    numbers = key.private_numbers()
    return key, {"p": f"{numbers.p:x}", "q": f"{numbers.q:x}"}


def rsa_blob(key: rsa.RSAPrivateKey) -> bytes:
    numbers = key.public_key().public_numbers()
    return string("ssh-rsa") + mpint(numbers.e) + mpint(numbers.n)


def touched(application: str, data: bytes, flags: int, counter: int) -> bytes:
    return sha256(application.encode()) + struct.pack(">BI", flags, counter) + sha256(data)


def make_sshsig() -> dict:
    old = kept("sshsig.json").get("rsa_primes", {})
    large, large_primes = rsa_key(3072, old.get("3072", {}))
    small, small_primes = rsa_key(2048, old.get("2048", {}))
    alice, bob, data = person("alice"), person("bob"), signed_data()
    p256, p384 = curve_key(ec.SECP256R1(), "p256"), curve_key(ec.SECP384R1(), "p384")
    blob, signature = ed25519_blob(alice), ed25519_signature(alice, data)
    good = sshsig(blob, signature)
    text = armour(good)

    def rsa_signed(key: rsa.RSAPrivateKey, algorithm: str, digest: hashes.HashAlgorithm) -> bytes:
        return sshsig(rsa_blob(key), string(algorithm) + string(key.sign(data, padding.PKCS1v15(), digest)))

    def curve_signed(
        name: str,
        key: ec.EllipticCurvePrivateKey,
        digest: hashes.HashAlgorithm,
        number: Callable[[int], bytes] = mpint,
    ) -> bytes:
        r, s = ecdsa(key, data, digest)
        curve = name.rpartition("-")[2]
        return sshsig(string(name) + string(curve) + string(point(key)), string(name) + string(number(r) + number(s)))

    def token(flags: int, application: str = "ssh:") -> bytes:
        name = "sk-ssh-ed25519@openssh.com"
        made = alice.sign(touched(application, data, flags, 7))
        key = string(name) + string(raw(alice)) + string(application)
        return sshsig(key, string(name) + string(made) + struct.pack(">BI", flags, 7))

    def curve_token(flags: int) -> bytes:
        name = "sk-ecdsa-sha2-nistp256@openssh.com"
        r, s = ecdsa(p256, touched("ssh:", data, flags, 7), hashes.SHA256())
        key = string(name) + string("nistp256") + string(point(p256)) + string("ssh:")
        return sshsig(key, string(name) + string(mpint(r) + mpint(s)) + struct.pack(">BI", flags, 7))

    def padded(value: int) -> bytes:
        return string(b"\0" + mpint(value)[4:])

    accepted = {
        "ssh-ed25519": good,
        "sk-ssh-ed25519, touched": token(0x01),
        "sk-ssh-ed25519, touched, PIN": token(0x05),
        "sk-ecdsa-sha2-nistp256, touched": curve_token(0x01),
        "ecdsa-sha2-nistp256": curve_signed("ecdsa-sha2-nistp256", p256, hashes.SHA256()),
        "ecdsa-sha2-nistp384": curve_signed("ecdsa-sha2-nistp384", p384, hashes.SHA384()),
        "ssh-rsa, rsa-sha2-512": rsa_signed(large, "rsa-sha2-512", hashes.SHA512()),
        "ssh-rsa, rsa-sha2-256": rsa_signed(large, "rsa-sha2-256", hashes.SHA256()),
    }
    swapped = bytearray(good)
    swapped[-1] ^= 1
    refused = {
        "E402": {
            "nothing": "",
            "no line feed at the end": text[:-1],
            "two line feeds at the end": text + "\n",
            "CRLF": armour(good, newline="\r\n"),
            "76 columns": armour(good, columns=76),
            "one line": armour(good, columns=10_000),
            "text before": "\n" + text,
            "no end line": text.rpartition("-----END")[0],
            "base64 without padding": text.replace("=", ""),
            "another magic": armour(good.replace(b"SSHSIG", b"SSHSIH", 1)),
            "version 2": armour(sshsig(blob, signature, version=2)),
            "reserved bytes": armour(sshsig(blob, signature, reserved=b"x")),
            "bytes after the blob": armour(good + b"\0"),
            "blob cut off": armour(good[:-1]),
            "bytes after the signature": armour(sshsig(blob, signature + b"\0")),
            "digest by sha256": armour(sshsig(blob, ed25519_signature(
                alice, signed_data(name="sha256")), name="sha256")),
            "another namespace": armour(sshsig(blob, ed25519_signature(
                alice, signed_data(namespace="file")), namespace="file")),
            "no namespace": armour(sshsig(blob, ed25519_signature(alice, signed_data(namespace="")), namespace="")),
            "signed for another namespace": armour(sshsig(blob, ed25519_signature(
                alice, signed_data(namespace="file")))),
            "another message": armour(sshsig(blob, ed25519_signature(alice, signed_data(MESSAGE + b"\n")))),
            "bit changed": armour(bytes(swapped)),
            "another person's signature under this key": armour(sshsig(blob, ed25519_signature(bob, data))),
            "security key that was not touched": armour(token(0x00)),
            "security key, PIN without touch": armour(token(0x04)),
            "security key, flags changed": armour(token(0x05)[:-5] + b"\x01" + token(0x05)[-4:]),
            "ECDSA token that was not touched": armour(curve_token(0x00)),
            "RSA with SHA-1": armour(rsa_signed(large, "ssh-rsa", hashes.SHA1())),  # noqa: S303 (refused, that is the point)
            "RSA signature of another length": armour(sshsig(
                rsa_blob(large), string("rsa-sha2-512") + string(bytes(383)))),
            "RSA name under an Ed25519 key": armour(sshsig(blob, string("rsa-sha2-512") + string(alice.sign(data)))),
            "ECDSA number with a needless zero": armour(
                curve_signed("ecdsa-sha2-nistp256", p256, hashes.SHA256(), padded)),
        },
        "E403": {
            "another person's key and signature": armour(sshsig(ed25519_blob(bob), ed25519_signature(bob, data))),
        },
        "E404": {
            "RSA of 2,048 bits": armour(rsa_signed(small, "rsa-sha2-512", hashes.SHA512())),
            "Ed25519 key of small order": armour(sshsig(
                string("ssh-ed25519") + string(b"\1" + bytes(31)), signature)),
            "Ed25519 key that is not canonical": armour(sshsig(
                string("ssh-ed25519") + string(b"\xed" + b"\xff" * 30 + b"\x7f"), signature)),
            "Ed25519 key of 31 bytes": armour(sshsig(string("ssh-ed25519") + string(bytes(31)), signature)),
            "bytes after the key": armour(sshsig(blob + b"\0", signature)),
            "DSA key": armour(sshsig(string("ssh-dss") + string(b"x"), signature)),
            "point that is not on the curve": armour(sshsig(
                string("ecdsa-sha2-nistp256") + string("nistp256") + string(b"\4" + bytes(63) + b"\1"), signature)),
        },
    }  # fmt: skip
    return {
        "spec": "custody-log.md 1",
        "about": "`finding` is what a verifier says where the event names the key's own fingerprint (E403: alice's)",
        "message": MESSAGE.decode(),
        "namespace": NAMESPACE,
        "accepted": [{"name": name, "armoured": armour(each)} for name, each in accepted.items()],
        "refused": [
            {"fault": fault, "finding": finding, "armoured": each}
            for finding, faults in refused.items()
            for fault, each in faults.items()
        ],
        "alice": "SHA256:" + b64(sha256(blob)).rstrip("="),
        "rsa_primes": {"3072": large_primes, "2048": small_primes},
    }


if __name__ == "__main__":
    write("checkpoint.json", make_checkpoint())
    write("sshsig.json", make_sshsig())
