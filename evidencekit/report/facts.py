"""What a report for a court says: gathered once from a verification's record and from what the case recorded. Pure.

Promises: every number of the page stands here, none is computed in a template, and each sum is that of its parts;
every list is bounded, and says what it leaves out; every text of others is escaped and cut before it stands here.
Source: specs/reporting.md; specs/report.schema.json.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.paper import check_code, root_groups
from evidencekit.core.values import encode_base64, format_instant
from evidencekit.report.report_bounds import bounded, said, shown_instant
from evidencekit.report.report_catalogue import catalogue_facts, chosen_facts, hash_facts, withheld_facts
from evidencekit.report.report_custody import custody_facts, shown_events

FACTS_TYPE = "evidencekit/report-facts/1"
FINDINGS = 100
"""Findings, and things not checked, that the page lists."""
CODES = 150
POLICY_FILES = 20
SOURCES = 5
"""Sources that the command to repeat it names."""
ON_FIRST_PAGE = 8
"""Things not checked that stand before the details, besides whole questions, which stand there as such."""


def facts_of(
    verification: Mapping[str, Any],
    *,
    name: str,
    now: int,
    program: str,
    given: Mapping[str, Any] | None = None,
    saved: Mapping[str, Any] | None = None,
    recorded: Mapping[str, Any] | None = None,
    shared: Mapping[str, Any] | None = None,
    chosen: Sequence[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return all that a report shows, as JSON takes it.

    Args:
        verification: the document of `verify --json`, its form already checked where it came from outside.
        name: what was verified, as the person named it.
        now: the time of making, nanoseconds since 1970.
        program: name and version of this program.
        given: what it was verified by: `policy` (its files, `name` and `sha256`, or None), `sources` (exhibits, empty
            where a folder alone was named), `since`, `identity` (whether there was one); None where that is not known.
        saved: `sha256` of the file, and `as_of` (an instant or None), where the verification was read from a file.
        recorded: what the case recorded (`journeys.report.recorded_of`); None for a package.
        shared: what the package shows of its case's log (`journeys.report.shown_by`); None for a case.
        chosen: rows that were asked for (`catalogue.digests.rows_named`); None where none were.
    """
    made = {"at": shown_instant(format_instant(now)), "program": program}
    page: dict[str, Any] = {
        "_t": FACTS_TYPE,
        "made": made,
        "subject": {"kind": verification["subject"], "name": said(name), "reference": None, "agency": None},
        "verification": verification_facts(verification, given, saved, made["at"]),
        "basis": basis_of(verification, saved, recorded),
        "custody": None,
        "catalogue": None,
        "hashes": None,
        "chosen": None if chosen is None else chosen_facts(chosen),
        "withheld": withheld_facts(verification["package"]) if "package" in verification else None,
    }
    if shared is not None:
        page["custody"] = _of_package(shared, now)
    if recorded is not None:
        if recorded["summary"] is not None:
            page["subject"] |= {name: said(recorded["summary"][name]) for name in ("reference", "agency")}
        page["custody"] = _or_error(recorded, "history", "custody_error") or custody_facts(recorded["history"], now)
        page["catalogue"] = _or_error(recorded, "summary", "catalogue_error") or catalogue_facts(
            recorded["summary"], recorded["profile"], verification["counts"]["rows"]
        )
        if recorded["summary"] is not None and recorded["history"] is not None:
            page["hashes"] = hash_facts(recorded["summary"], recorded["history"]["events"])
    return page


def _of_package(shared: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Return the whole custody record where a package withholds nothing of it, else the events that it shows."""
    if "custody_error" in shared:
        return {"error": said(shared["custody_error"])}
    if shared["history"] is None:
        return shown_events(shared)
    return custody_facts(shared["history"], now)


def _or_error(recorded: Mapping[str, Any], part: str, error: str) -> dict[str, Any] | None:
    """Return why a part of the record could not be read, if it could not."""
    return {"error": said(recorded[error])} if recorded[part] is None else None


def basis_of(
    verification: Mapping[str, Any], saved: Mapping[str, Any] | None, recorded: Mapping[str, Any] | None
) -> str:
    """Return how far the verification stands behind the record: `checked`, `failed`, `saved` or `unchecked`.

    It is behind the record only where that aspect holds, and the record that is told ends where it ended. One that was
    saved is of the record as it was then: nobody has looked since whether it is still the same. Of `recorded` (None for
    a package) the `summary` is asked.
    """
    if verification["verdict"] == "FAILED":
        return "failed"
    if saved is not None:
        return "saved"
    tree = verification["checkpoint"]
    if verification["aspects"]["record"]["status"] != "ok" or tree is None:
        return "unchecked"
    if recorded is None:
        return "checked"
    summary = recorded["summary"]
    told = None if summary is None else summary["checkpoint"]
    same = told is not None and (told["size"], told["root"]) == (tree["size"], tree["root"])
    return "checked" if same else "unchecked"


def verification_facts(
    record: Mapping[str, Any], given: Mapping[str, Any] | None, saved: Mapping[str, Any] | None, made: str
) -> dict[str, Any]:
    """Return what is said of a verification; the first three as `facts_of` has them, `made` as paper shows it."""
    counts, tree = record["counts"], record["checkpoint"]
    by_code = [{"code": code, "count": number} for code, number in sorted(counts["findings"]["by_code"].items())]
    findings = sorted(record["findings"], key=lambda one: ("error", "warning", "note").index(one["severity"]))
    skipped = [{name: said(one[name]) for name in ("aspect", "code", "reason", "what")}
               for one in record["not_checked"]]  # fmt: skip
    as_of = None if saved is None or saved["as_of"] is None else shown_instant(saved["as_of"])
    return {
        "saved": None if saved is None else {"sha256": saved["sha256"], "as_of": as_of},
        "made_at": made if saved is None else None,
        "verdict": record["verdict"],
        "scope": record["scope"],
        "reason": said(record["reason"]),
        "repeat": _repeat(record, given),
        "policy": None if given is None or given["policy"] is None else bounded(
            [{"name": said(one["name"]), "sha256": one["sha256"]} for one in given["policy"]], POLICY_FILES),
        "checkpoint": None if tree is None else _checkpoint(tree),
        "digest": record["package"]["digest"] if "package" in record else None,
        "aspects": [
            {"name": name, "reason": said(one["reason"]), "status": one["status"]}
            for name, one in record["aspects"].items()
        ],
        "checked": [{"count": number, "name": said(name)} for name, number in counts["checked"].items()],
        "findings": {
            "total": counts["findings"]["total"],
            "by_code": bounded(by_code, CODES),
            "listed": bounded([_finding(one) for one in findings if one["code"] != "W999"], FINDINGS,
                              total=counts["findings"]["total"]),
        },
        "not_checked": bounded(skipped, FINDINGS),
        "not_checked_first": bounded([one for one in skipped if one["what"] != one["aspect"]], ON_FIRST_PAGE),
        "rows": counts["rows"],
        "states": [{"count": number, "name": state} for state, number in counts["states"].items() if number],
        "bytes": counts.get("bytes"),
        "entries": counts.get("entries"),
        "exhibits": counts.get("exhibits"),
        "files": dict(counts["files_of_record"]),
    }  # fmt: skip


def _repeat(record: Mapping[str, Any], given: Mapping[str, Any] | None) -> str:
    """Return the command that comes to the same result, with words in the places of names, which are the reader's."""
    command = ["evidencekit-verify", record["subject"].upper()]
    if given is None:
        return " ".join([*command, "…"])
    if given["policy"] is not None:
        command.append("--policy POLICY")
    command += [
        f"--source {exhibit}=FOLDER" if exhibit else "--source FOLDER" for exhibit in given["sources"][:SOURCES]
    ]
    command += ["…"] * (len(given["sources"]) > SOURCES)
    command += [f"--{name} {word}" for name, word in (("since", "CHECKPOINT"), ("identity", "KEY")) if given[name]]
    return " ".join(command)


def _checkpoint(tree: Mapping[str, Any]) -> dict[str, Any]:
    head = Checkpoint(tree["origin"], tree["size"], bytes.fromhex(tree["root"]))
    return {
        "origin": said(tree["origin"]),
        "size": tree["size"],
        "root": tree["root"],
        "base64": encode_base64(head.root),
        "groups": root_groups(head.root),
        "check": check_code(head),
    }


def _finding(one: Mapping[str, Any]) -> dict[str, str]:
    return {name: said(one[name]) for name in ("code", "expected", "found", "severity", "where")}
