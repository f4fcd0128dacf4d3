"""rfc3161-client: its Rust half imports Python modules by name."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = [*collect_submodules("rfc3161_client"), "cryptography.hazmat.asn1", "cryptography.x509"]
