"""Which rows of an item somebody means: by path with all below it, by index, by glob, or all. Pure.

Source: cli.md ("Items and rows"); specs/manifest.md section 6 (globs).
"""

from __future__ import annotations

from collections.abc import Sequence

from evidencekit.core.globs import Globs
from evidencekit.core.opinions import is_under
from evidencekit.core.values import display, parse_count
from evidencekit.errors import BadArgument, FormatError


class Selectors:
    """What was asked for; `matches` is called once for each row, and remembers which selectors matched."""

    def __init__(self, item: str, texts: Sequence[str], *, everything: bool = False) -> None:
        """Take selectors: `EX-001:PATH`, `EX-001#INDEX`, else a glob.

        Raises:
            BadArgument: U270, none; U271, one is of another item or no number.
        """
        if not texts and not everything:
            raise BadArgument(
                f"Nobody said which rows of {item} are meant.", code="U270", hint="Say --rows SELECTOR, or --all."
            )
        self.everything = everything
        self._indexes: dict[int, str] = {}
        self._paths: dict[bytes, str] = {}
        self._globs: list[tuple[Globs, str]] = []
        for text in texts:
            self._take(item, text)
        self._unused = set(texts)

    def _take(self, item: str, text: str) -> None:
        if text.startswith(f"{item}:"):
            self._paths[text[len(item) + 1 :].rstrip("/").encode(errors="surrogateescape")] = text
        elif text.startswith(f"{item}#"):
            try:
                self._indexes[parse_count(text[len(item) + 1 :])] = text
            except FormatError as error:
                raise BadArgument(
                    f"{display(text)}: that is not a row number.", code="U271", hint=f"As in {item}#17."
                ) from error
        elif ":" in text or "#" in text:
            hint = f"A row is {item}:PATH or {item}#INDEX; a glob with : or # in it, write as {item}:PATH."
            raise BadArgument(f"{display(text)} is not a row of {item}.", code="U271", hint=hint)
        else:
            self._globs.append((Globs([text]), text))

    def matches(self, index: int, path: bytes | None) -> bool:
        """Tell whether a row is meant; of a row whose name is erased, the index alone can tell."""
        if self.everything:
            return True
        found = [self._indexes[index]] if index in self._indexes else []
        if path is not None:
            found += [text for above, text in self._paths.items() if is_under(path, above)]
            found += [text for globs, text in self._globs if globs.match(path)]
        self._unused.difference_update(found)
        return bool(found)

    def refuse_unused(self) -> None:
        """Raise BadArgument (U272) where a selector matched no row: a slip must not pass for a success."""
        if self._unused and not self.everything:
            names = ", ".join(sorted(map(display, self._unused))[:10])
            raise BadArgument(
                f"No row matches {names}.",
                code="U272",
                hint="Nothing was done. `evidencekit find CASE --name GLOB` shows what there is.",
            )
