"""filelock imports its parts when they are asked for."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules("filelock", filter=lambda name: not name.endswith(("asyncio", "_async")))
