"""The write-once edge: files appear whole under their names, or not at all. Imports core and errors, never read."""
