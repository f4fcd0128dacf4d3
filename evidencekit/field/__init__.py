"""Guided seizure for field teams: questions, checklists and texts as data, and the pure state of a sitting."""
