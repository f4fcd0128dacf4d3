"""report/pdf_signature.py, judged by poppler and NSS: the signature holds, covers all, and breaks with any byte."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paperkey import p12

from evidencekit.errors import BadArgument, CannotFinish, Refused
from evidencekit.report.pdf import page_pdf
from evidencekit.report.pdf_signature import MAX_FILE, load_paper_key, sign_pdf

NOW = 1_790_000_000_000_000_000
PAGE = "<html lang='en'><head><title>Report</title></head><body><h1>Report</h1><p>The words</p></body></html>"


def loaded(data, opened_by="open", now=NOW):
    return load_paper_key(data, opened_by, name="me.p12", now=now)


@pytest.fixture(scope="module")
def document():
    return page_pdf(PAGE, made=NOW, facts={"a": 1})


def judged(document, tmp_path):
    (tmp_path / "page.pdf").write_bytes(document)
    command = ["pdfsig", str(tmp_path / "page.pdf")]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}
    ).stdout


@pytest.mark.judge("pdfsig")
@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)], ids=["P-256", "RSA"]
)
def test_the_signature_holds_and_covers_all(key, document, tmp_path):
    own = loaded(p12(NOW, key=key))
    assert own.subject == "CN=A. Examiner"
    signed = sign_pdf(document, own, now=NOW)
    assert signed.startswith(document)  # what is signed is the page as it was made
    told = judged(signed, tmp_path)
    assert "Signature Validation: Signature is Valid." in told
    assert "Total document signed" in told
    assert "Signature Type: ETSI.CAdES.detached" in told
    assert "Signer Certificate Common Name: A. Examiner" in told
    assert "Signing Time: Sep 21 2026 14:13:20" in told
    changed = bytearray(signed)
    changed[len(document) // 2] ^= 1
    assert "Signature is Valid" not in judged(bytes(changed), tmp_path)


@pytest.mark.judge("pdfinfo")
def test_the_page_stays_what_it_was(document, tmp_path):
    (tmp_path / "page.pdf").write_bytes(sign_pdf(document, loaded(p12(NOW)), now=NOW + 86_400 * 10**9))
    told = subprocess.run(["pdfinfo", str(tmp_path / "page.pdf")], capture_output=True, text=True, check=True).stdout
    dates = [
        line.split(":", 1)[1].strip() for line in told.splitlines() if line.startswith(("CreationDate", "ModDate"))
    ]
    assert len(dates) == 2
    assert len(set(dates)) == 1
    assert "PDF version:     1.7" in told  # on which PDF/A-3 rests
    kept = subprocess.run(
        ["pdfdetach", "-list", str(tmp_path / "page.pdf")], capture_output=True, text=True, check=True
    )
    assert "facts.json" in kept.stdout


def test_a_key_without_a_passphrase_is_taken():
    assert loaded(p12(NOW, opened_by=""), "").others == ()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"junk", "it is no PKCS#12"),
        (b"0" * (MAX_FILE + 1), "too large"),
        (p12(NOW, certificate=False), "no key with a certificate"),
        (p12(NOW, key=rsa.generate_private_key(65537, 1024)), "neither P-256 nor RSA"),  # noqa: S505 (that is what is refused)
        (p12(NOW, key=ec.generate_private_key(ec.SECP384R1())), "neither P-256 nor RSA"),
        (p12(NOW, key=ed25519.Ed25519PrivateKey.generate()), "neither P-256 nor RSA"),
    ],
    ids=["junk", "large", "no certificate", "RSA 1024", "P-384", "Ed25519"],
)
def test_other_keys_are_refused(data, why):
    with pytest.raises(BadArgument, match=why) as caught:
        loaded(data)
    assert caught.value.code == "U614"


def test_a_wrong_passphrase_is_said():
    with pytest.raises(CannotFinish, match="does not open") as caught:
        loaded(p12(NOW), "other")
    assert caught.value.code == "X412"


@pytest.mark.parametrize(
    "times", [{"until": timedelta(seconds=-1)}, {"since": timedelta(seconds=1)}], ids=["expired", "not yet"]
)
def test_a_certificate_that_does_not_hold_is_refused(times):
    with pytest.raises(Refused, match=r"holds from 2026-\d\d-\d\d to") as caught:
        loaded(p12(NOW, **times))
    assert caught.value.code == "R602"
    assert loaded(p12(NOW, since=timedelta(0), until=timedelta(seconds=1)))
