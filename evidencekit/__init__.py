"""evidencekit: preserve digital evidence and prove who held it."""

__version__ = "0.1.0"
