"""A program that verifies cases twice: alone, and with three workers for whom nothing is too small.

`python severalhands.py [FAULT WHERE]`: in the workers, `rows`, `opinions` or `part` jobs `die`, need too much `memory`, or `lie` about
their result; the second and all later ones of each worker. It reads one JSON document a line, `{"case", "policy", "source", "as_copy", "since", "exhibit"}`, and prints one a line:
both reports, and how many jobs the workers did. As a program of its own it can be forked with its small limits in it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from evidencekit.read import parquet
from evidencekit.verify import apart, crew, opinions, rows_job, source, verifier

NOW = 1_781_254_860_000_000_000


class Shared(crew.Crew):
    """One crew for all cases: workers are started once."""

    done = 0

    def __exit__(self, *_):
        """Stay."""

    def results(self, jobs, manifest, tell=None):
        for result in super().results(jobs, manifest, tell):
            self.done += not isinstance(result, crew.Undone)
            yield result


PARENT = os.getpid()


def spoil(fault, job, parent=PARENT):
    """Have jobs of a kind go wrong, in workers alone."""
    real = job.do
    did = []

    def do(self, bench):
        did.append(self)
        if os.getpid() == parent or len(did) < 2:
            return real(self, bench)
        if fault == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "memory":
            raise MemoryError
        return lambda: "cannot be sent"

    job.do = do


def verify(about, jobs):
    policy, place = about.get("policy"), about.get("source")
    return verifier.verify_case(
        Path(about["case"]),
        policy=Path(policy) if policy else None,
        sources={about.get("exhibit", ""): Path(place)} if place else None,
        as_copy=about.get("as_copy", False),
        since=about["since"].encode() if about.get("since") else None,
        now=NOW,
        jobs=jobs,
    ).as_record()


def main():
    parquet.BATCH = 2
    apart.LEAST_ROWS = apart.JOB_ROWS = 1
    source.LEAST_COST, source.MOST_ROWS = 0, 1
    if sys.argv[1:]:
        kinds = {"rows": rows_job.RowsJob, "opinions": opinions.OpinionsJob, "part": source.PartJob}
        spoil(sys.argv[1], kinds[sys.argv[2]])
    shared = Shared(3)
    shared.start()
    alone = verifier.Crew
    for line in sys.stdin:
        about = json.loads(line)
        verifier.Crew = alone
        one = verify(about, 1)
        verifier.Crew = lambda *_, **__: shared
        before = shared.done
        three = verify(about, 3)
        print(json.dumps({"one": one, "three": three, "jobs": shared.done - before, "is_there": shared.is_there}))
    shared.end()


if __name__ == "__main__":
    main()
