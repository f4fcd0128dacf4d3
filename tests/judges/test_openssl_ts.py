"""Authorities made of `openssl ts`: their tokens through the commands, and `openssl ts -verify` on all that we accept.

`-partial_chain` and the like are never given: openssl, too, gets the root alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from evidencekit.core import layout
from evidencekit.errors import FormatError
from evidencekit.journeys.enter_stamps import enter_stamps
from evidencekit.journeys.timestamp import Answer, ask_authorities, check_answer, make_request, read_nonce
from evidencekit.read.store import Store
from evidencekit.read.token import parse_token
from evidencekit.read.token_chain import chain_fault, parse_authority
from evidencekit.read.token_checks import fault
from evidencekit.verify.policy import read_policy
from evidencekit.verify.verifier import verify_case

pytestmark = pytest.mark.judge("openssl")

CONFIG = """
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[stamp]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[wrong]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = critical,timeStamping,codeSigning
[req]
distinguished_name = dn
prompt = no
[dn]
CN = nobody
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.2
digests = sha256, sha512
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = {ess}
"""


def openssl(*arguments, check=True):
    done = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )
    assert not check or done.returncode == 0, done.stderr.decode()
    return done


class Authority:
    """Root, one below it, and a signer; keys of three kinds."""

    def __init__(self, folder, name, *, key=("EC", "ec_paramgen_curve:P-256"), ess="sha256", usage="stamp"):
        self.folder, self.name = folder / name, name
        self.folder.mkdir()
        self.config = self.folder / "tsa.cnf"
        self.config.write_text(CONFIG.format(folder=self.folder, ess=ess))
        (self.folder / "serial").write_text("01\n")
        for one in ("root", "below", "stamp"):
            openssl("genpkey", "-algorithm", key[0], "-pkeyopt", key[1], "-out", self.at(f"{one}.key"))
        common = ("-config", self.config, "-subj")
        openssl(
            "req", "-new", "-x509", "-key", self.at("root.key"), *common, f"/CN={name} root", "-extensions", "ca",
            "-days", "9000", "-out", self.at("root.pem"),
        )  # fmt: skip
        self._certify("below", "root", "ca")
        self._certify("stamp", "below", usage)

    def at(self, name):
        return self.folder / name

    def _certify(self, name, by, extensions):
        openssl(
            "req", "-new", "-key", self.at(f"{name}.key"), "-config", self.config, "-subj", f"/CN={self.name} {name}",
            "-out", self.at(f"{name}.csr"),
        )  # fmt: skip
        openssl(
            "x509", "-req", "-in", self.at(f"{name}.csr"), "-CA", self.at(f"{by}.pem"), "-CAkey", self.at(f"{by}.key"),
            "-CAcreateserial", "-days", "8000", "-extfile", self.config, "-extensions", extensions,
            "-out", self.at(f"{name}.pem"),
        )  # fmt: skip

    def answer(self, request: bytes) -> bytes:
        self.at("req.tsq").write_bytes(request)
        openssl(
            "ts", "-reply", "-config", self.config, "-queryfile", self.at("req.tsq"), "-signer", self.at("stamp.pem"),
            "-inkey", self.at("stamp.key"), "-chain", self.at("below.pem"), "-out", self.at("resp.tsr"),
        )  # fmt: skip
        return self.at("resp.tsr").read_bytes()


def judged(token: bytes, message: bytes, root: Path, folder: Path) -> bool:
    """Whether openssl accepts a token over a message."""
    (folder / "t.tsr").write_bytes(token)
    (folder / "m").write_bytes(message)
    done = openssl("ts", "-verify", "-data", folder / "m", "-in", folder / "t.tsr", "-CAfile", root, check=False)
    return done.returncode == 0 and b"Verification: OK" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tsa")
    return [
        Authority(folder, "city"),
        Authority(folder, "state", key=("RSA", "rsa_keygen_bits:2048"), ess="sha1"),
    ]


@pytest.fixture
def office(rc, tmp_path):
    made = rc.Office(tmp_path / "office")
    made.open(tmp_path / "case")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a").write_bytes(b"a")
    made.acquire(tmp_path / "case", tmp_path / "source")
    return made


@pytest.fixture
def policy(office, authorities, tmp_path):
    office.policy()
    folder = tmp_path / "office" / "policy"
    (folder / "tsa").mkdir()
    for one in authorities:
        (folder / "tsa" / f"{one.name}.pem").write_bytes(one.at("root.pem").read_bytes())
    settings = (folder / "policy.toml").read_text()
    (folder / "policy.toml").write_text(
        settings.replace("version = 1\n", 'version = 1\nrequire = ["time"]\n') + "[time]\nauthorities = 2\n"
    )
    return read_policy(folder)


def enter(rc, office, case, stamps):
    return enter_stamps(office.ledger(case), stamps, signer=office.signer, actor=rc.actor(office.signer))


def test_two_authorities_by_files(rc, office, policy, authorities, tmp_path):
    case = tmp_path / "case"
    request = make_request(Store(case))
    assert read_nonce(request.data) == request.nonce
    for one in authorities:
        answer = Answer(one.answer(request.data), nonce=request.nonce)
        enter(rc, office, case, [check_answer(Store(case), answer, policy.time)])
    report = verify_case(case, policy=policy)
    assert (report.verdict, report.times["covered_by"]) == ("VERIFIED", ["city", "state"])
    note = (case / layout.checkpoint_file(request.size)).read_bytes()
    tokens = sorted((case / "checkpoints").glob("*.tsr"))
    assert len(tokens) == 2
    for one, path in zip(authorities, tokens, strict=True):
        assert judged(path.read_bytes(), note, one.at("root.pem"), tmp_path)


def test_on_line(rc, office, policy, authorities, tmp_path):
    """A small server in front of `openssl ts -reply`; it ends with the test."""
    by_path = {f"/{one.name}": one for one in authorities}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = by_path[self.path].answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    case = tmp_path / "case"
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        asked = [(f"http://127.0.0.1:{server.server_port}{path}", None) for path in by_path]
        stamps, failures = ask_authorities(Store(case), asked, policy.time, proxy_of=lambda _: None)
        server.shutdown()
        thread.join(10)
    assert failures == []
    enter(rc, office, case, stamps)
    assert verify_case(case, policy=policy).verdict == "VERIFIED"


def test_the_request_as_openssl_reads_it(office, tmp_path):
    request = make_request(Store(tmp_path / "case"))
    (tmp_path / "req.tsq").write_bytes(request.data)
    text = openssl("ts", "-query", "-in", tmp_path / "req.tsq", "-text").stdout.decode()
    assert "Hash Algorithm: sha512" in text
    assert "Certificate required: yes" in text
    assert int(re.search("Nonce: 0x([0-9A-F]+)", text)[1], 16) == request.nonce


# --- the same verdict, theirs and ours -------------------------------------------------------------------------------

NOTE = b"unit7.example/24-117\n5\nroot\n"


def ours(token: bytes, message: bytes, root: bytes) -> str:
    """Our code for a token, `ok` where it is accepted."""
    try:
        read = parse_token(token)
    except FormatError:
        return "E421"
    found = fault(read, message) or chain_fault(read, parse_authority("it", root))
    return "ok" if found is None else found.code


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "ok"),
        ({"unsorted": True}, "ok"),
        ({"old_hash": True}, "ok"),
        ({"accuracy": None}, "ok"),
        ({"nonce": 2**63}, "ok"),
        ({"message": b"changed"}, "E422"),
        ({"over": bytes(32)}, "E423"),
        ({"hash_of": b"another certificate"}, "E425"),
        ({"with_hash": False}, "E425"),
        ({"status": 2}, "E421"),
    ],
)
def test_openssl_says_the_same(tsa, tmp_path, more, expected):
    more = dict(more)
    maker = tsa.Maker("City")
    token = maker.stamp(more.pop("message", NOTE), tsa.START + tsa.DAY, **more)
    (tmp_path / "root.pem").write_bytes(maker.root.pem)
    assert ours(token, NOTE, maker.root.pem) == expected
    assert judged(token, NOTE, tmp_path / "root.pem", tmp_path) == (expected == "ok")


@pytest.mark.parametrize("made", ["rogue", "rogue_beside_good", "two_purposes", "web_server", "not_critical"])
def test_openssl_refuses_these_authorities_too(tsa, tmp_path, made):
    good, at = tsa.Maker("City"), tsa.START + tsa.DAY
    if made.startswith("rogue"):
        rogue = tsa.Maker("City")
        chain = [one.der for one in (rogue.signer, rogue.below, rogue.root)]
        beside = [good.signer.der, good.below.der, good.root.der] if made == "rogue_beside_good" else []
        token, expected = tsa.make_response(rogue.signer, chain + beside, NOTE, at), "E426"
    else:
        usage = {
            "two_purposes": (tsa.STAMPING, tsa.ExtendedKeyUsageOID.CODE_SIGNING),
            "web_server": (tsa.ExtendedKeyUsageOID.SERVER_AUTH,),
            "not_critical": (tsa.STAMPING,),
        }[made]
        member = tsa.certify("Member", good.below, usage=usage, critical=made != "not_critical")
        token, expected = tsa.make_response(member, [member.der, good.below.der], NOTE, at), "E424"
    (tmp_path / "root.pem").write_bytes(good.root.pem)
    assert ours(token, NOTE, good.root.pem) == expected
    assert not judged(token, NOTE, tmp_path / "root.pem", tmp_path)


def test_wrong_purpose_by_openssl_itself(tmp_path):
    """`openssl ts -reply` refuses to sign with such a certificate."""
    wrong = Authority(tmp_path, "wrong", usage="wrong")
    done = openssl(
        "ts", "-reply", "-config", wrong.config, "-signer", wrong.at("stamp.pem"), "-inkey", wrong.at("stamp.key"),
        "-queryfile", wrong.at("stamp.pem"), check=False,
    )  # fmt: skip
    assert done.returncode != 0


# --- the year 2045 ---------------------------------------------------------------------------------------------------

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
static long ahead(void) { return 599616000L; }  /* 19 years */
int clock_gettime(clockid_t id, struct timespec *at) {
    int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, at);
    if (!code && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += ahead();
    return code;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"""


@pytest.mark.judge("cc")
def test_good_tokens_are_good_with_the_clock_at_2045(rc, office, tsa, tmp_path):
    """The signer's certificate has ended by then; openssl itself, asked by today's date, then refuses the token."""
    folder = tmp_path / "office" / "policy"
    office.policy()
    (folder / "tsa").mkdir()
    now = datetime.now(UTC).replace(microsecond=0)
    maker = tsa.Maker("City", begins=now - tsa.DAY, days=3)
    (folder / "tsa" / "city.pem").write_bytes(maker.root.pem)
    case = tmp_path / "case"
    request = make_request(Store(case))
    token = maker.answer(request.data, now)
    enter(rc, office, case, [check_answer(Store(case), Answer(token), read_policy(folder).time)])

    (tmp_path / "shim.c").write_text(SHIM)
    shim = tmp_path / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, tmp_path / "shim.c", "-ldl"], check=True, timeout=60)
    later = os.environ | {"LD_PRELOAD": str(shim)}
    year = subprocess.run(
        [sys.executable, "-c", "import time; print(time.gmtime().tm_year)"], env=later, capture_output=True, check=True,
        timeout=60,
    )  # fmt: skip
    assert int(year.stdout) >= 2045

    (tmp_path / "m").write_bytes((case / layout.checkpoint_file(request.size)).read_bytes())
    (tmp_path / "t.tsr").write_bytes(token)
    (tmp_path / "root.pem").write_bytes(maker.root.pem)
    asked = ["openssl", "ts", "-verify", "-data", "m", "-in", "t.tsr", "-CAfile", "root.pem"]
    by_date = subprocess.run(asked, env=later, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert by_date.returncode != 0  # the trap that this is about

    done = subprocess.run(
        [sys.executable, "-m", "evidencekit", "verify", case, "--policy", folder, "--json"], env=later,
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    report = json.loads(done.stdout)
    assert (done.returncode, report["verdict"]) == (0, "VERIFIED"), done.stderr
    assert report["aspects"]["time"]["status"] == "ok"
