"""Acquisition: a source becomes rows, nothing is lost, what could not be taken is said."""
