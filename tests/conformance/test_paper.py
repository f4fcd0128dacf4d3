"""specs/vectors/paper.json: checkpoints as people type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.paper import format_paper
from evidencekit.errors import BadArgument
from evidencekit.verify.outside import parse_known_head

VECTORS = json.loads((Path(__file__).parents[2] / "specs/vectors/paper.json").read_text())
TREE = Checkpoint(VECTORS["origin"], int(VECTORS["size"]), bytes.fromhex(VECTORS["root"]))


def each(vectors, name):
    return pytest.mark.parametrize("vector", vectors, ids=[vector[name] for vector in vectors])


@each(VECTORS["accepted"], "name")
def test_accepted(vector):
    head = parse_known_head(vector["text"].encode())
    assert (head.size, head.root) == (TREE.size, TREE.root)
    assert head.origin in {None, TREE.origin}


@each(VECTORS["refused"], "fault")
def test_refused(vector):
    with pytest.raises(BadArgument) as caught:
        parse_known_head(vector["text"].encode())
    assert caught.value.code == "U223"


def test_as_we_print_it():
    (form,) = (vector["text"] for vector in VECTORS["accepted"] if vector["name"] == "the form")
    assert "\n".join(format_paper(TREE)) == form
