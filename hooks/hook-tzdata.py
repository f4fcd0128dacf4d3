"""tzdata: zones are read as data of packages, for systems that have none, as bare Debian roots and Windows."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules

hiddenimports = collect_submodules("tzdata")
datas = collect_data_files("tzdata")
