"""What somebody asks for with `policy new`, read from its options.

Promise: every key was looked at as a verifier looks at it, every name is one that can match; nothing else is trusted.
Source: specs/policy.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from evidencekit.core.allowed_signers import AllowedSigner, format_allowed_signer
from evidencekit.core.checkpoint import check_origin, parse_decimal
from evidencekit.core.ed25519_points import point_fault
from evidencekit.core.layout import LABEL
from evidencekit.core.note import ED25519, ED25519_COSIGNATURE, MLDSA44, VerifierKey, parse_vkey
from evidencekit.core.sshkeys import raw_key
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, FormatError
from evidencekit.journeys.policy_folder import Draft


def draft_of(
    *,
    trust: Sequence[str],
    authorities: Sequence[str],
    logs: Sequence[str],
    vouched_by: Sequence[str],
    witnesses: Sequence[str],
    quorum: str | None,
    require: Sequence[str],
    tsa: Sequence[Path],
    min_sizes: Sequence[str],
) -> Draft:
    """Return what the options ask for.

    Raises:
        BadArgument: U276, one of them cannot be meant so. Refused: R519, one key in two roles; R516, a key that no
        verifier accepts. CannotFinish: X401, X410, X413, a case or key cannot be read.
    """
    from evidencekit.seal.logkeys import refuse_shared_keys

    signers = tuple(
        _signer(value, certifies=certifies)
        for values, certifies in ((trust, False), (authorities, True))
        for value in values
    )
    keys, origins, from_cases = _logs(logs, bare=bool(vouched_by))
    sizes = dict(_min_size(value) for value in min_sizes)
    named = {name: _vkey(text, (ED25519_COSIGNATURE, MLDSA44), name) for name, text in map(_split_witness, witnesses)}
    if len(named) < len(witnesses):
        raise _bad("Two witnesses have one name.", "Give each --witness a name of its own.")
    refuse_shared_keys(
        {
            "person's": [raw_key(signer.key.blob) for signer in signers],
            "log's": [key.key for key in keys],
            "witness's": [key.key for key in named.values()],
        }
    )
    return Draft(
        signers=signers,
        origins=tuple(dict.fromkeys([*origins, *sizes])),
        log_keys=keys,
        from_cases=frozenset(from_cases),
        vouched_by=tuple(vouched_by),
        witnesses=named,
        quorum=_quorum(quorum, len(named)),
        require=tuple(dict.fromkeys(require)),
        min_sizes=sizes,
        authorities=_apart(_authority(path) for path in tsa),
    )


def _apart(named: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """Return files by name; of several with one name (every authority has its root.pem) the later ones get a number."""
    found: dict[str, bytes] = {}
    for name, data in named:
        place, number = name, 2
        while place in found and found[place] != data:
            place, number = f"{name}-{number}", number + 1
        found[place] = data
    return found


def _bad(message: str, hint: str) -> BadArgument:
    return BadArgument(message, code="U276", hint=hint)


def _signer(value: str, *, certifies: bool) -> AllowedSigner:
    from evidencekit.seal.sign import read_public_key

    principal, equals, file = value.partition("=")
    if not equals or not principal or not file:
        raise _bad(f"{display(value)} is not PRINCIPAL=FILE.pub.", "As in j.doe@unit7.example=keys/doe.pub.")
    key = read_public_key(Path(file))
    signer = AllowedSigner(tuple(principal.split(",")), None, None, None, key, cert_authority=certifies)
    try:
        format_allowed_signer(signer)
    except FormatError as error:
        raise _bad(
            f"{display(principal)} is no name of a signer: {error.message}", "As in j.doe@unit7.example."
        ) from error
    return signer


def _logs(values: Sequence[str], *, bare: bool) -> tuple[tuple[VerifierKey, ...], list[str], list[str]]:
    """Return keys, origins, and the origins of cases whose own keys were taken; `bare`: of cases the origin alone."""
    keys: dict[VerifierKey, None] = {}
    origins: list[str] = []
    cases: list[str] = []
    for value in values:
        if "+" in value and not Path(value).exists():
            listed = [_vkey(value, (ED25519, MLDSA44), value)]
        elif Path(value).is_dir():
            origin, listed = _case(Path(value))
            cases.append(origin)
            listed, origins = [] if bare else listed, [*origins, origin]
        else:
            listed, origins = [], [*origins, _origin(value)]
        keys |= dict.fromkeys(listed)
        origins += [key.name for key in listed]
    return tuple(keys), origins, [] if bare else cases


def _case(folder: Path) -> tuple[str, list[VerifierKey]]:
    from evidencekit.read.store import Store
    from evidencekit.seal.replay import read_case

    record = read_case(Store(folder))
    return record["origin"], [_vkey(text, (ED25519, MLDSA44), str(folder)) for text in record["log_keys"]]


def _origin(value: str) -> str:
    try:
        check_origin(value)
    except FormatError as error:
        hint = "Name the folder of a case, a vkey (NAME+ID+KEY), or an origin such as unit7.example/24-117."
        raise _bad(f"--log {display(value)} is neither a case, nor a vkey, nor an origin.", hint) from error
    return value


def _vkey(text: str, kinds: tuple[int, ...], whose: str) -> VerifierKey:
    try:
        key = parse_vkey(text)
    except FormatError as error:
        raise _bad(f"The key of {display(whose)} is no vkey: {error.message}", "As in NAME+ID+KEY.") from error
    if key.kind not in kinds:
        expected = " or ".join(f"0x{kind:02x}" for kind in kinds)
        raise _bad(
            f"The key of {display(whose)} is of type 0x{key.kind:02x}, not {expected}.", "Ask for the right key."
        )
    fault = None if key.kind == MLDSA44 else point_fault(key.key)
    if fault:
        message = f"The key of {display(whose)} is one that verifiers judge differently: {fault}."
        raise _bad(message, "Nobody makes such a key by accident: ask its owner.")
    return key


def _split_witness(value: str) -> tuple[str, str]:
    name, equals, key = value.partition("=")
    if not equals or not re.fullmatch(r"[!-~]{1,80}", name) or name == "none" or name.startswith("#"):
        raise _bad(f"{display(value)} is not NAME=VKEY.", "As in partner=witness.example/w1+0b1c2d3e+BL…")
    return name, key


def _quorum(text: str | None, witnesses: int) -> str:
    if text is None:
        return "any" if witnesses else "none"
    try:
        fits = text in {"any", "all", "none"} or 1 <= parse_decimal(text, "quorum") <= witnesses
    except FormatError:
        fits = False
    if not fits or (not witnesses and text != "none"):
        raise _bad(
            f"--quorum {display(text)} can never be met by {witnesses} witnesses.", "Say none, any, all, or a number."
        )
    return text


def _min_size(value: str) -> tuple[str, int]:
    origin, _, size = value.rpartition("=")
    try:
        return _origin(origin), parse_decimal(size, "size")
    except (BadArgument, FormatError) as error:
        raise _bad(f"{display(value)} is not ORIGIN=SIZE.", "As in unit7.example/24-117=4.") from error


def _authority(path: Path) -> tuple[str, bytes]:
    from evidencekit.read.token_chain import parse_authority

    name = re.sub("[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:40]
    try:
        pem = path.read_bytes()[: (1 << 20) + 1]
        parse_authority(name, pem)
    except OSError as error:
        raise _bad(f"{display(str(path))} cannot be read: {error.strerror}.", "Name a PEM file.") from error
    except FormatError as error:
        raise _bad(
            f"{display(str(path))} is not of a time-stamp authority: {error.message}",
            "Ask the authority for its root certificate, and those below it, as PEM.",
        ) from error
    if not LABEL.match(name):
        raise _bad(f"{display(str(path))} has no name that can be kept.", "Call it as in city-tsa.pem.")
    return name, pem
