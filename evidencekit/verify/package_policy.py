"""Whose log and whose signatures a package carries: what the recipient's policy says of them.

Source: specs/verification.md section 1 step 13, specs/package.md section 8.
"""

from __future__ import annotations

from typing import Any

from evidencekit.core import layout
from evidencekit.core.proven_time import Bounds
from evidencekit.verify.identity import Identity
from evidencekit.verify.package_log import LogFound
from evidencekit.verify.run import Run
from evidencekit.verify.signatures import Signed


def check_package_policy(
    run: Run, log: LogFound, record: dict[str, Any] | None, signed: list[Signed], *, folder: str
) -> None:
    """The log and the signers of its events as in a case; whoever exported as a signer after all of them.

    `folder` is where the record and the log lie in the package: `evidence/`, or below `evidence/previous/`.
    """
    base = run.prefix
    run.prefix = base + folder
    try:
        if log.identity is not None:
            log.identity.conclude(log.times.bounds)
            log.identity.admit_log(log.notes.newest, log.notes.note, layout.checkpoint_file(log.log.size))
        if record is not None:
            exporter = {"actor": record["exporter"], "signers": [record["exporter"]["key"]]}
            identity = Identity(run, log.opening.origin)
            identity.observe(log.log.size, exporter, signed, "package.json.sig")
            identity.conclude(Bounds(log.proven, log.log.size + 1), lambda _: "package.json.sig")
    finally:
        run.prefix = base
