"""`python -m evidencekit`."""

from evidencekit.cli.main import main

if __name__ == "__main__":
    main()
