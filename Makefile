# Everything a person or a machine does here. `make help` lists the targets.
# A fresh Debian 12 with Python 3.11 is enough: the targets below set up what they need, once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PORT ?= 8080
KILLS ?= 300
SEED ?=
WORKERS ?= auto
BIN := .venv/bin
DONE := .venv/.done
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --root-user-action=ignore

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(DONE)/run $(DONE)/test $(DONE)/check ## set up everything for development, into .venv

.PHONY: demo
demo: $(DONE)/run ## show synclog with the bundled real logs; another port with PORT=9000
	@exec $(BIN)/synclog demo --port $(PORT)

.PHONY: test
test: $(DONE)/test ## run the tests; some of them with PYTEST="tests/query -k problem", in one process with WORKERS=0
	@exec $(BIN)/python -m pytest --numprocesses=$(WORKERS) --maxprocesses=4 --dist=worksteal $(PYTEST)

.PHONY: check
check: $(DONE)/check ## formatting, lint, import contracts, types, generated docs
	@.ci/check

.PHONY: docs
docs: $(DONE)/run ## write docs/reference anew from the code
	@$(BIN)/python docs/generate.py

.PHONY: bench
bench: $(DONE)/bench ## measure and write docs/benchmarks.md (three hours); some of it with SUBJECTS="ingest pages"
	@exec $(BIN)/python -m bench.run $(SUBJECTS)

.PHONY: crash
crash: $(DONE)/test ## kill servers hundreds of times and write docs/reliability.md; KILLS=300 SEED=7
	@exec $(BIN)/python -m tests.crash.measure $(KILLS) $(SEED)

.PHONY: clean
clean: ## remove .venv, caches and build output; data folders stay
	rm -rf .venv build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than what it was made from, so a second run has nothing to do.

$(DONE)/venv: .ci/virtual-environment .ci/system-packages
	@.ci/virtual-environment
	@mkdir -p $(DONE) && touch $@

$(DONE)/run: pyproject.toml .ci/system-packages $(DONE)/venv
	@.ci/system-packages run
	@echo 'installing synclog into .venv' >&2
	@$(PIP) --quiet --editable .  # twice quiet: setuptools warns of editable installs as such
	@touch $@

$(DONE)/test: $(DONE)/run
	@.ci/system-packages test
	@echo 'installing what the tests need into .venv' >&2
	@$(PIP) --group test
	@touch $@

$(DONE)/check: $(DONE)/run
	@echo 'installing the checkers into .venv' >&2
	@$(PIP) --group check
	@touch $@

$(DONE)/bench: $(DONE)/run
	@echo 'installing what to compare with into .venv' >&2
	@$(PIP) --group bench
	@touch $@
