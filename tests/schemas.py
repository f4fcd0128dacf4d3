"""Records that a JSON Schema describes, too: the two have to agree, whatever is changed in a record."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema

from evidencekit.errors import FormatError

SPECS = Path(__file__).parents[1] / "specs"


class Twins:
    """A `Record` and the schema in specs/ that says the same; called with a record, tells whether both take it."""

    def __init__(self, form, name):
        self.form = form
        self.schema = json.loads((SPECS / name).read_text())
        self.validator = jsonschema.Draft202012Validator(self.schema)

    def __call__(self, record):
        try:
            self.form.check(record)
            ours = True
        except FormatError:
            ours = False
        assert self.validator.is_valid(record) == ours, record
        return ours


def with_value(record, path, value):
    """Return a record with another value at a path; without it, where that is KeyError."""
    out = copy.deepcopy(record)
    inside = out
    for part in path[:-1]:
        inside = inside[part]
    if value is KeyError:
        del inside[path[-1]]
    else:
        inside[path[-1]] = value
    return out
