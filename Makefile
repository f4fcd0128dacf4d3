# One command sets everything up: `make demo` or `make test` on a fresh Debian 12 with Python 3.11, git and make.
# Nothing is installed outside .venv, except by `make test` as root: the Debian packages of the outside judges.

SHELL := /bin/sh
.SHELLFLAGS := -euc
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE  # a test starts many programs, which would be compiled anew each time
.PHONY: help setup demo test test-long trials lint fix vectors verifiers conformance docs binaries binaries-quick sources bench clean judges

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
DEMO ?= demo-output
VERIFIERS := build/verifiers
JUDGES := golang-go golang-golang-x-mod-dev openssh-client openssl attr b3sum hashdeep e2fsprogs mount gcc libc6-dev age chromium mmdebstrap zbar-tools poppler-utils
PEERS := hashdeep openssl b3sum rclone rhash
TWO := -n 2 --dist worksteal
BENCH_ARGS ?=
BENCH_DIR ?=
APT := DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3
# apt may be busy or the network slow: it is asked three times; the last answer counts
apt_install = for try in 1 2 3; do \
		if $(APT) update >/dev/null && $(APT) install --no-install-recommends $(1) >/dev/null; then break; fi; \
		[ $$try = 3 ] || sleep 10; \
	done

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.ready-test ## .venv with evidencekit and what its tests need

demo: .venv/.ready-run ## the main job end to end on real files, then tampering, found (DEMO=folder)
	@if [ '$(DEMO)' = demo-output ]; then rm -rf demo-output; fi
	@.venv/bin/evidencekit demo '$(DEMO)'

test: .venv/.ready-test .venv/.ready-web judges ## the house's tests; as root installs the outside judges first
	@$(PY) -m pytest $(TWO) $(PYTEST_ARGS)

test-long: .venv/.ready-test .venv/.ready-fuzz .venv/.ready-web judges ## the tests that take minutes
	@EVIDENCEKIT_LONG=1 $(PY) -m pytest $(TWO) -m 'long or deep' $(PYTEST_ARGS) || [ $$? = 5 ]  # 5: none is marked long

trials: .venv/.ready-test .venv/.ready-web judges ## an hour and more: every crash, every leak, every vector in the browser; not in .ci/run
	@EVIDENCEKIT_LONG=all $(PY) -m pytest $(TWO) -m trial $(PYTEST_ARGS)

lint: .venv/.ready-test .venv/.ready-lint ## ruff, its formatter, mypy --strict
	@$(PY) -m ruff check
	@$(PY) -m ruff format --check
	@$(PY) -m mypy

fix: .venv/.ready-lint ## what ruff can mend by itself
	@$(PY) -m ruff check --fix
	@$(PY) -m ruff format

vectors: .venv/.ready-test ## make the vectors and fixtures again; the tree must not change
	@for script in specs/vectors/*.py; do echo "$$script"; $(PY) "$$script"; done

verifiers: .venv/.ready-web ## verify.html and verify_evidence.py in build/verifiers, the same bytes each time, with SHA256SUMS
	@rm -rf $(VERIFIERS) && mkdir -p $(VERIFIERS)
	@.venv/bin/node verifiers/web/build.mjs $(VERIFIERS) >/dev/null
	@cp verifiers/python/verify_evidence.py $(VERIFIERS)/
	@cd $(VERIFIERS) && sha256sum verify.html verify.licences.txt verify.mjs verify_evidence.py > SHA256SUMS && cat SHA256SUMS

conformance: .venv/.ready-run verifiers ## every verifier over every vector: verdict, codes, places, exit code
	@$(PY) verifiers/conformance.py 'evidencekit=.venv/bin/evidencekit verify' \
		'verify_evidence.py=$(PYTHON) $(VERIFIERS)/verify_evidence.py' 'verify.html=.venv/bin/node $(VERIFIERS)/verify.mjs'

docs: .venv/.ready-test ## the reference of every module, from its docstrings, in build/docs
	@mkdir -p build/docs
	@modules=$$(find evidencekit -name '*.py' | sort | sed 's,/__init__,,; s,\.py$$,,; s,/,.,g'); \
		cd build/docs && ../../$(PY) -m pydoc -w $$modules > pydoc.log && echo "build/docs/evidencekit.html"

binaries binaries-quick: JUDGES := mmdebstrap gcc libc6-dev
binaries: .venv/.ready-run judges ## evidencekit and evidencekit-verify for machines without Python, in dist/ (as root; packaging/README.md)
	@PYTHON='$(CURDIR)/$(PY)' packaging/binaries.sh dist
	@EVIDENCEKIT_REQUIRE_ALL=1 $(PY) packaging/smoke dist

binaries-quick: .venv/.ready-run judges ## the same in minutes, in build/, for tests alone: with Debian 12's Python, smoke-tested there
	@PYTHON='$(CURDIR)/$(PY)' packaging/binaries.sh --quick build/binaries-quick
	@$(PY) packaging/smoke build/binaries-quick --root bookworm --form folder

sources: ## packaging/sources.sha256 anew: Debian 12's newest sources of what the binaries are made with
	@$(PYTHON) packaging/sources.py

bench: JUDGES := $(PEERS)
bench: .venv/.ready-bench judges ## side by side with other tools, about an hour (BENCH_ARGS=--quick, BENCH_DIR=folder)
	@$(PY) -m benchmarks.run $(if $(BENCH_DIR),--dir '$(BENCH_DIR)') $(BENCH_ARGS)

clean: ## everything that can be made again, but .venv
	@rm -rf build dist demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.*
	@find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

# --- set-up ------------------------------------------------------------------------------------------------------

# A .venv that runs is used as it is (a link to a shared one too); one that does not is made anew.
.venv/.ready: Makefile
	@if ! $(PY) -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
			{ echo "evidencekit needs Python 3.11 or newer: run make PYTHON=/path/to/python3"; exit 1; }; \
		if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
			if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
				echo "Python's venv module is missing: as root, run apt-get install python3-venv"; exit 1; fi; \
			$(call apt_install,python3-venv); \
		fi; \
		rm -rf .venv; \
		$(PYTHON) -m venv .venv; \
	fi
	@$(PY) -c 'import sys, pip; sys.exit([int(n) for n in pip.__version__.split(".")[:2]] < [25, 1])' || \
		$(PIP) install --upgrade 'pip>=25.1'
	@touch $@

.venv/.ready-run: .venv/.ready pyproject.toml
	@echo "Installing evidencekit into .venv"
	@$(PIP) install --editable .
	@touch $@

.venv/.ready-test: .venv/.ready-run
	@echo "Installing what the tests need into .venv"
	@$(PIP) install --group test
	@touch $@

.venv/.ready-lint: .venv/.ready pyproject.toml
	@$(PIP) install --group lint
	@touch $@

.venv/.ready-fuzz: .venv/.ready-run
	@$(PIP) install --group fuzz
	@touch $@

# Node comes as a wheel, so that no system package is needed; what it builds with is pinned by package-lock.json.
.venv/.ready-web: .venv/.ready pyproject.toml verifiers/web/package-lock.json
	@echo "Installing what the web verifier is built with"
	@$(PIP) install --group web
	@PATH="$(CURDIR)/.venv/bin:$$PATH" npm ci --prefix verifiers/web --no-audit --no-fund --loglevel=error
	@touch $@

.venv/.ready-bench: .venv/.ready-run
	@$(PIP) install --group bench
	@touch $@

# The tests name each judge that is not there; only root can install them.
judges:
	@[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0; \
	missing=; for package in $(JUDGES); do \
		dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed || missing="$$missing $$package"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	echo "Installing the outside judges:$$missing"; \
	$(call apt_install,$$missing)
