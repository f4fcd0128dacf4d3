"""cryptography: its Rust half imports Python modules by name, cffi's among them."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = ["_cffi_backend", *collect_submodules("cryptography")]
