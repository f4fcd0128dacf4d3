"""Side-by-side runs against other tools, and how cost grows with the number of files. Nothing here is a test."""
