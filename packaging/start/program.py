"""Where the binary `evidencekit` starts."""

from worker import work_if_worker

work_if_worker()
del __file__  # or each worker would look for this file, to run it

from evidencekit.cli.entry import main  # noqa: E402 (a worker does not need it)

main()
