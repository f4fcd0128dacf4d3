"""The command line: knows every room, decides nothing."""
