"""Arrow: what reads and writes Parquet. Its shared libraries come along as far as its modules are linked with them."""

# Compiled modules hide what they import.
hiddenimports = [
    "pydoc",
    "pyarrow._compute",
    "pyarrow._compute_docstrings",
    "pyarrow._fs",
    "pyarrow._parquet",
    "pyarrow.ipc",
    "pyarrow.types",
    "pyarrow.util",
    "pyarrow.vendored.docscrape",
    "pyarrow.vendored.version",
]
