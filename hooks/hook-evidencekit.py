"""evidencekit: every file of it that is no Python, wherever it lies: grounds, questions, templates, texts."""

from PyInstaller.utils.hooks import collect_data_files

datas = collect_data_files("evidencekit", excludes=["**/py.typed"])
