"""holidays: each country is a module that is imported by its name; the package asks for its own version."""

from PyInstaller.utils.hooks import collect_submodules, copy_metadata

hiddenimports = collect_submodules("holidays")
datas = copy_metadata("holidays")
