"""A program that has workers, for tests that look at it from outside: `python workerjobs.py fork|spawn WHAT`.

It prints one JSON document a line. As a program of its own it can be forked, which a test runner with threads cannot.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sys
import tempfile
import threading
import time

from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.read.workers import InOrder, Workers


class Unportable(Exception):
    """Cannot be made again from its arguments."""

    def __init__(self, one, other):
        super().__init__(f"{one} {other}")


class Does:
    """What a worker does with a job: `[name, argument]`."""

    def __init__(self, tell, *arguments):
        self.tell, self.arguments = tell, arguments
        self.made_in = os.getpid()

    def __call__(self, job, handles):
        name, argument = job
        return getattr(self, name)(argument, handles)

    def about(self, _, handles):
        return {"pid": os.getpid(), "made_in": self.made_in, "arguments": self.arguments, "handles": len(handles)}

    def number(self, argument, _):
        time.sleep(0.002 if argument % 3 else 0.01)
        return argument

    def size(self, argument, _):
        return hashlib.sha256(argument).hexdigest(), len(argument)

    def large(self, argument, _):
        return bytes(argument)

    def read(self, _, handles):
        return [os.pread(handle, 100, 0).decode() for handle in handles]

    def tells(self, argument, _):
        for number in range(1, argument + 1):
            self.tell(number)
        return argument

    def refuse(self, _, handles):
        raise BadArgument("No.", code="U201", hint="Nothing.", path="x")

    def fail(self, _, handles):
        raise KeyError("a key")

    def fail_oddly(self, _, handles):
        raise Unportable(1, 2)

    def lie(self, _, handles):
        return lambda: "cannot be sent"

    def die(self, _, handles):
        os.kill(os.getpid(), signal.SIGKILL)

    def sleep(self, argument, _):
        time.sleep(argument)
        return os.getpid()

    def open_handles(self, _, handles):
        found = []
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(FileNotFoundError):  # the listing's own
                found.append(os.readlink(f"/proc/self/fd/{name}"))
        return found


def say(document):
    print(json.dumps(document), flush=True)


def caught(workers, job):
    try:
        list(InOrder(workers).results([job]))
    except CannotFinish as error:
        return [type(error).__name__, error.code, error.message]
    except Exception as error:  # noqa: BLE001
        return [type(error).__name__, getattr(error, "code", None), str(error)]
    return None


def about(workers):
    say(list(InOrder(workers).results([["about", None]] * 9)))


def order(workers):
    say(list(InOrder(workers).results(["number", number] for number in range(200))))


def errors(workers):
    say([caught(workers, [name, None]) for name in ("refuse", "fail", "fail_oddly", "lie")])
    say(list(InOrder(workers).results([["number", 1]])))  # they live


def death(workers):
    say(caught(workers, ["die", None]))


def sizes(workers):
    jobs = [["size", bytes([n % 256]) * (n * 97_003 % 3_000_000)] for n in range(40)]
    expected = [[hashlib.sha256(data).hexdigest(), len(data)] for _, data in jobs]
    say([list(one) for one in InOrder(workers).results(jobs)] == expected)
    both = [["large", 3_000_000 if n % 2 else 10] for n in range(60)]
    say([len(one) for one in InOrder(workers, ahead=9).results(both)] == [size for _, size in both])


def handles(workers):
    opened = []
    for number in range(300):
        with tempfile.NamedTemporaryFile("w", prefix="workerjobs") as file:
            file.write(str(number))
            file.flush()
            opened.append(os.open(file.name, os.O_RDONLY))
    jobs = [["read", None]] * 6
    say([one == [str(number) for number in range(300)] for one in InOrder(workers).results(jobs, handles=opened)])
    say(list(InOrder(workers).results([["open_handles", None]] * 4)))


def tells(workers):
    heard = []
    say(list(InOrder(workers).results([["tells", 5], ["tells", 3]], heard.append)))
    say(sorted(heard))


def abandoned(workers):
    """Somebody takes one result, and closes: nothing hangs."""
    results = InOrder(workers).results(["number", number] for number in range(50))
    say(next(results))
    results.close()
    workers.close()
    say("closed")


def busy(workers):
    """Work until somebody ends this program."""
    say([result["pid"] for result in InOrder(workers).results([["about", None]] * 8)])
    list(InOrder(workers).results([["sleep", 2]] * 100))


def interrupted(workers):
    """Hear Ctrl-C, and let the workers finish what they do."""
    say("ready")
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        say(list(InOrder(workers).results(["number", number] for number in range(9))))


def main():
    how, what = sys.argv[1:]
    stop = threading.Event()
    if how == "spawn":  # a process with threads is not to be forked
        threading.Thread(target=stop.wait, daemon=True).start()
    with Workers(2, Does, "one", 2) as workers:
        globals()[what](workers)
    stop.set()


if __name__ == "__main__":
    main()
