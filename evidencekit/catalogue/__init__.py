"""The catalogue: search, lists and summaries of what is recorded. It verifies nothing, and nothing depends on it."""
