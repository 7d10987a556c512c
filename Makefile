# On a fresh machine with git, make and Python 3.11 or newer: `make estimate`, then `make test`.
# All that is installed goes into .venv; `make clean` removes it.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
EXAMPLE := scenarios/examples/llama-3.1-405b-pretrain.yaml

.PHONY: help estimate test lint truth schemas readme lock wheel clean

help:  ## Show what can be made.
	@sed -n 's/^\([a-z]*\):.*##/  make \1 -/p' Makefile

estimate: $(VENV)/installed  ## Install the planner and estimate one training run.
	@$(BIN)/planner estimate $(EXAMPLE)

test: $(VENV)/tested  ## Run all tests and measure their coverage.
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses auto --maxprocesses 8 --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --skip-empty

lint: $(VENV)/linted  ## Check style, types and the direction of imports.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

truth: $(VENV)/oracle  ## Write the frozen truths of tests/truth anew, from torch and transformers.
	$(BIN)/python tests/truth/make_truth.py

schemas: $(VENV)/tested  ## Write the JSON Schemas of docs/schemas anew.
	$(BIN)/planner schema --output docs/schemas

readme: $(VENV)/tested  ## Write the estimate that README.md shows anew.
	$(BIN)/python tests/packaging/readme_block.py --write

lock: $(BIN)/python  ## Pin what tests and linters need, with hashes, for every Python and platform at once.
	$(PIP) install uv==0.13.9
	PATH="$(CURDIR)/$(BIN):$$PATH" sh requirements/lock.sh

wheel: $(VENV)/tested  ## Build the wheel into dist/.
	$(BIN)/python -m hatchling build -t wheel

clean:  ## Remove everything that was made.
	rm -rf $(VENV) dist build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# PYTHON=... names an interpreter; otherwise the first suitable one is taken.
$(BIN)/python:
	@for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1; then \
	    if "$$candidate" -m venv $(VENV); then exit 0; fi; \
	    rm -rf $(VENV); \
	    echo "$$candidate cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; \
	    exit 1; \
	  fi; \
	done; \
	echo "The planner needs Python 3.11, 3.12, 3.13 or 3.14, and none was found." >&2; \
	echo "Install one, or name it: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; \
	exit 1

$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(PIP) install --editable .
	@touch $@

$(VENV)/tested: pyproject.toml requirements/test.lock | $(BIN)/python
	$(PIP) install --require-hashes --requirement requirements/test.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/installed

$(VENV)/linted: requirements/lint.lock $(VENV)/tested
	$(PIP) install --require-hashes --requirement requirements/lint.lock
	@touch $@

$(VENV)/oracle: $(VENV)/tested
	$(PIP) install --no-build-isolation --editable '.[oracle]'
	@touch $@
