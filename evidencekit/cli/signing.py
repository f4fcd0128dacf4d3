"""Who signs, and with which log keys: the options of every command that records something, and what they lead to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evidencekit.cli import surroundings
from evidencekit.cli.options import PATH
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.seal.ledger import Ledger
    from evidencekit.seal.sign import Signer

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Signing:
    """What the options say of who signs."""

    signer_key: Path | None
    actor_id: str | None
    role: str | None
    organisation: str | None
    log_key: Path | None

    def person(self) -> Signer:
        """Load the key of whoever signs.

        Raises:
            BadArgument: U200, nobody is named. Further as `surroundings.signer`.
        """
        if self.signer_key is None:
            raise BadArgument("Missing option '--signer'.", code="U200", hint="Name the key of whoever acts.")
        return surroundings.signer(self.signer_key)

    def actor(self, person: Signer) -> dict[str, Any]:
        """Return the actor record of whoever signs. Raises as `surroundings.actor`."""
        return surroundings.actor(person, name=self.actor_id, role=self.role, organisation=self.organisation)

    def ledger(self, case: Path) -> Ledger:
        """Open the case for appending. Raises as `surroundings.ledger`."""
        return surroundings.ledger(case, self.log_key)


def signing(function: F, *, required: bool = True) -> F:
    """Add the options, and hand the command `signs`; `required=False` where not every way signs."""

    @click.option(
        "--signer",
        "signer_key",
        type=PATH,
        required=required,
        metavar="KEY",
        help="Private key, .pub of a key in ssh-agent, or KEY-cert.pub of an ssh CA.",
    )
    @click.option("--actor", "actor_id", help="Name of the signer, if not the key's comment.")
    @click.option("--role", help="Role of the signer.")
    @click.option("--organisation", help="Organisation of the signer.")
    @click.option("--log-key", type=PATH, help="File of the case's log keys, if not in the usual place.")
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        signs = Signing(**{name: kwargs.pop(name) for name in Signing.__dataclass_fields__})
        return function(*args, signs=signs, **kwargs)

    return wrapper  # type: ignore[return-value]  # click's decorators keep the signature that they wrap
