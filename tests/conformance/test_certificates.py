"""specs/vectors/certificates.json: signatures with certificates of an ssh CA, and who may sign as whom."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evidencekit.core.allowed_signers import matches_pattern_list, parse_allowed_signers
from evidencekit.core.sshcert import certified_signers
from evidencekit.core.sshsig import format_sshsig, parse_sshsig
from evidencekit.read.signature import sound_certificate, verify_sshsig

VECTORS = json.loads((Path(__file__).parents[2] / "specs/vectors/certificates.json").read_text())


def each(vectors, name):
    return pytest.mark.parametrize("vector", vectors, ids=[vector[name] for vector in vectors])


def judge(armoured: bytes) -> str | None:
    fault = verify_sshsig(parse_sshsig(armoured), VECTORS["message"].encode(), VECTORS["namespace"])
    return fault and ("E404" if fault == "certificate_rejected" else "E402")


@each(VECTORS["accepted"], "name")
def test_accepted(vector):
    data = vector["armoured"].encode()
    assert judge(data) is None
    assert format_sshsig(parse_sshsig(data)) == data


def test_the_fingerprint_is_that_of_the_key():
    assert parse_sshsig(VECTORS["accepted"][0]["armoured"].encode()).fingerprint == VECTORS["fingerprint"]


@each(VECTORS["refused"], "fault")
def test_refused(vector):
    assert judge(vector["armoured"].encode()) == vector["finding"]


@each(VECTORS["allowed"], "why")
def test_who_may_sign_as_whom(vector):
    certificate = sound_certificate(parse_sshsig(VECTORS["accepted"][0]["armoured"].encode()).public_key)
    second = int(vector["second"])
    may = any(
        line.matches(vector["principal"])
        and (line.namespaces is None or matches_pattern_list(VECTORS["namespace"], line.namespaces))
        and (line.valid_after is None or line.valid_after <= second)
        and (line.valid_before is None or second <= line.valid_before)
        for line in certified_signers(parse_allowed_signers(vector["allowed_signers"].encode()), certificate)
    )
    assert may == vector["may"]
