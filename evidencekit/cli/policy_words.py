"""A policy in tables that a person can read out: who may sign as whom, whose logs, which witnesses and authorities.

Promise: every name is escaped; every key has the digest to compare. Source: specs/policy.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evidencekit.cli.render import Screen
from evidencekit.core.values import display
from evidencekit.verify.policy_dangers import Danger


def show_policy(screen: Screen, facts: Mapping[str, Any]) -> None:
    """Print what a policy says; `facts` are those of `verify.policy_facts`."""
    screen.say(f"Required     {', '.join(facts['require'])}")
    for name, until in facts["algorithms"].items():
        screen.say(f"Accepted     {name} {'always' if until is None else f'until {_second(until)}'}")
    persons = [
        (
            one["line"],
            _list(one["principals"]),
            f"{one['fingerprint']} {one['kind']}{', signs certificates' if one['cert_authority'] else ''}",
            "everything" if one["namespaces"] is None else _list(one["namespaces"]),
            _second(one["valid_after"]),
            _second(one["valid_before"]),
        )
        for one in facts["persons"]
    ]
    _table(screen, "Who may sign as whom (allowed_signers)", ("line", "name", "key", "for", "from", "until"), persons)
    _show_logs(screen, facts["logs"])
    witnesses = [(display(one["name"]), display(one["key_name"]), *_key(one)) for one in facts["witnesses"]]
    _table(screen, "Witnesses (logs.policy)", ("name", "key", "id", "kind", "SHA-256"), witnesses)
    _show_quorum(screen, facts)
    time = facts["time"]
    roots = [
        (one["name"], display(root["subject"]), root["until"], _grouped(root["sha256"]))
        for one in time["known"]
        for root in one["roots"]
    ]
    title = f"Time-stamp authorities (tsa/), {time['authorities']} wanted"
    _table(screen, title, ("name", "root", "until", "SHA-256"), roots)
    revoked = [(one["fingerprint"], _revoked_from(one), display(one["reason"])) for one in facts["revoked"]]
    _table(screen, "Revoked keys (revoked.toml)", ("key", "from", "reason"), revoked)


def show_dangers(screen: Screen, dangers: Sequence[Danger]) -> None:
    """Print what is dangerous in a policy, and what to do."""
    for danger in dangers:
        screen.say(f"{danger.severity:<8} {danger.where}: {danger.fact}", danger.severity)
        screen.say(f"         {danger.do}")


def show_keys_of_cases(screen: Screen, facts: Mapping[str, Any], origins: Iterable[str]) -> None:
    """Print the digests of keys that came from the cases themselves, and prove nothing yet."""
    for log in facts["logs"]:
        if log["origin"] in origins:
            screen.say()
            screen.say(f"The keys of {log['origin']} were taken from the case itself: compare these digests", "warning")
            screen.say(
                "with the log's owner over another channel, or they prove only that the case agrees with itself:"
            )
            for key in log["keys"]:
                screen.say("  " + "  ".join(_key(key)))


def _table(screen: Screen, title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    screen.say()
    screen.say(title if rows else f"{title}: none")
    if rows:
        screen.table(heads, rows)


def _key(key: Mapping[str, str]) -> tuple[str, str, str]:
    return key["key_id"], key["kind"], _grouped(key["sha256"])


def _show_logs(screen: Screen, logs: Sequence[Mapping[str, Any]]) -> None:
    screen.say()
    screen.say("Logs" if logs else "Logs: none")
    for log in logs:
        screen.say(log["origin"])
        for key in log["keys"]:
            screen.say("  key        " + "  ".join(_key(key)))
        if log["keys"]:
            since = log["all_required_from"]
            screen.say(f"  signed by  {'any one of them' if since is None else f'all of them from size {since} on'}")
        if log["vouched_by"]:
            screen.say(f"  vouched by {_list(log['vouched_by'])}{', in vain: it has keys' if log['keys'] else ''}")
        if log["min_size"] is not None:
            screen.say(f"  at least   {log['min_size']:,} entries")


def _show_quorum(screen: Screen, facts: Mapping[str, Any]) -> None:
    for name, group in facts["groups"].items():
        screen.say(f"group {display(name)}: at least {group['threshold']} of {_list(group['members'])}")
    screen.say(f"quorum: {'none' if facts['quorum'] is None else display(facts['quorum'])}")


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(display, names))


def _grouped(digest: str) -> str:
    return " ".join(digest[at : at + 8] for at in range(0, len(digest), 8))


def _second(instant: str | None) -> str:
    return "-" if instant is None else f"{instant[:19]}Z"


def _revoked_from(revoked: Mapping[str, Any]) -> str:
    sizes = [f"entry {size} of {origin}" for origin, size in revoked["sizes"].items()]
    after = [] if revoked["not_after"] is None else [f"after {_second(revoked['not_after'])}"]
    return ", ".join([*sizes, *after]) or "the beginning"
