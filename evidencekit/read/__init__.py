"""The read-only edge: nothing here writes, nothing here imports what writes."""
