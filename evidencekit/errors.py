"""Every exception of evidencekit. Imports nothing of ours.

    EvidenceError                 code, exit_code, hint
    ├── BadArgument       U2xx    exit 2   the command line or an input file asks for something impossible
    ├── FormatError       F1xx    exit 3   bytes that are not what their format says (place, expected, found)
    ├── CannotFinish      X4xx    exit 4   the world did not let us: permissions, space, keys, programs
    │   └── Interrupted   X499    exit 4   stopped by the person; what was done is kept
    └── Refused           R5xx    exit 5   it could be done and must not be: it would break a rule

An exception means *we could not do the work*. What is wrong with evidence is a `Finding`, never an exception;
what could not be taken is an omission, a sealed row. Message = fact + value + place + what to do.
Every code has an entry in `core/finding.py` (`evidencekit explain CODE`).
"""

from __future__ import annotations


class EvidenceError(Exception):
    """Base of all. `code` is stable, `hint` says what to do next."""

    exit_code = 4

    def __init__(self, message: str, *, code: str, hint: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.message}{' ' if self.hint else ''}{self.hint}"

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[EvidenceError], arguments: tuple[object, ...], facts: dict[str, object]) -> EvidenceError:
    """Make an exception again that came from a worker process."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(facts)
    return error


class BadArgument(EvidenceError):
    """What was asked for makes no sense: exit 2."""

    exit_code = 2


class FormatError(EvidenceError):
    """Bytes that are not what their format says: exit 3.

    `place` names the member or line (`body.rows`, `line 3`), `expected` and `found` are short texts.
    """

    exit_code = 3

    def __init__(self, place: str, *, expected: str, found: str, code: str = "F100", hint: str = "") -> None:
        super().__init__(
            f"{place}: expected {expected}, found {found}.",
            code=code,
            hint=hint,
            place=place,
            expected=expected,
            found=found,
        )
        self.place = place
        self.expected = expected
        self.found = found


class CannotFinish(EvidenceError):
    """The world did not let us: exit 4."""


class Interrupted(CannotFinish):
    """Stopped by the person; what was done is kept: exit 4."""


class Refused(EvidenceError):
    """It could be done and must not be, since it would break a rule: exit 5."""

    exit_code = 5
