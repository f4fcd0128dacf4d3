"""libmagic and its database where evidencekit.acquire.libmagic looks for them: in the folder of the package pylibmagic.

They are the ones that packaging/python.sh built, or Debian's in a quick build, or else those of that package.
"""

import sys
from pathlib import Path
from platform import machine

from PyInstaller.utils.hooks import get_package_paths

_BUILT = Path(sys.base_prefix)
_PACKAGE = Path(get_package_paths("pylibmagic")[1])
_DATA = next(path for path in (_BUILT / "share/misc/magic.mgc", _PACKAGE / "magic.mgc") if path.is_file())
_FOLDERS = [_PACKAGE] if _DATA.parent == _PACKAGE else [_BUILT / "lib", _BUILT / "lib" / f"{machine()}-linux-gnu"]
# The links beside it, libmagic.so and libmagic.so.1.0.0, are the same file under other names.
binaries = [
    (str(path), "pylibmagic")
    for folder in _FOLDERS
    for name in ("libmagic.so.1", "libmagic.1.dylib", "libmagic.dylib")
    if (path := folder / name).is_file()
]
datas = [(str(_DATA), "pylibmagic")]
