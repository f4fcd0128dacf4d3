"""rich: the widths of characters lie in one module for each version of Unicode, imported by number."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("rich._unicode_data")
