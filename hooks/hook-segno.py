"""segno: no data, and the plug-ins that it looks for are not used here."""

hiddenimports = ["segno.writers", "segno.encoder"]
