"""pyrage: the compiled module stands behind a name that nothing imports by text."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("pyrage")
