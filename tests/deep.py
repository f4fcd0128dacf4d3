"""How many examples a property is tried with: a fifth of them in `make test`, all of them in `make test-long`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest


def examples(count: int) -> int:
    """How many of so many examples are tried now."""
    return count if "EVIDENCEKIT_LONG" in os.environ else count // 5


def deep(count: int, **more: Any) -> Callable[[Any], Any]:
    """`hypothesis.settings` with so many examples, and the mark by which `make test-long` finds the test."""
    settings = hypothesis.settings(max_examples=examples(count), **more)
    return lambda test: pytest.mark.deep(settings(test))
