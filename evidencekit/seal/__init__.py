"""Sealing: persons sign events, the log's keys sign checkpoints, nothing is ever rewritten."""
