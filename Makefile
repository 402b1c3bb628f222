# Everything runs in .venv, made from the lock files; a changed lock makes it anew.
PYTHON ?= python3
VENV ?= .venv
BIN ?= $(VENV)/bin
PIP = $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input
# The locks are complete, so pip has nothing to resolve; what is imported is compiled when it first is.
INSTALL = $(PIP) install --require-hashes --no-deps --no-compile --requirement

export CORONER_CACHE ?= $(abspath $(VENV))/cache


.PHONY: demo test check format bench load image image-check screenshots lock lock-frameworks clean

demo: $(VENV)/ready ## set up, then diagnose a failed run that ships with the project
	$(BIN)/coroner classify examples/failed_run.json

test: $(VENV)/ready-dev ## set up, then run every check
	$(MAKE) --no-print-directory check

check: ## what a commit must pass
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

format: ## lay the code out and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/ready-dev ## time and memory beside sentence-transformers; prints the README's table
	$(BIN)/python -m tests.bench

load: $(VENV)/ready-dev ## 16 clients at once against a real service, on SQLite and on PostgreSQL; nothing may be lost
	$(BIN)/python -m tests.bench.load

image: $(VENV)/ready ## build the service's image without a registry; `python -m runner.images base` makes the base
	$(BIN)/python .ci/image.py

image-check: $(VENV)/ready-dev ## run the image that `make image` has built: health, keys, a batch that survives a kill
	CORONER_IMAGE=coroner:latest $(BIN)/python -m pytest tests/service/test_image.py

screenshots: $(VENV)/ready-dev ## take the pictures in docs/screenshots anew, in a Chromium
	PYTHONPATH=.:tests $(BIN)/python tests/service/shots.py

lock: ## resolve pyproject.toml anew into the lock files
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip --quiet --disable-pip-version-check install uv==0.13.9
	UV=$(VENV)-lock/bin/uv $(VENV)-lock/bin/python .ci/lock.py
	rm -r $(VENV)-lock

lock-frameworks: ## resolve the agent frameworks' packages anew into runner/frameworks/*.lock
	$(BIN)/python -m runner.frameworks._lock

clean: ## remove the environment and what the tools leave
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage build dist *.egg-info

$(VENV)/ready: requirements.lock requirements-torch.lock requirements-torch-cpu.lock
	@$(PYTHON) -c 'import sys; sys.version_info < (3, 11) and sys.exit("coroner needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(INSTALL) requirements.lock
	$(INSTALL) requirements-torch-cpu.lock 2>/dev/null || $(INSTALL) requirements-torch.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/ready-dev: $(VENV)/ready requirements-dev.lock
	$(INSTALL) requirements-dev.lock
	$(BIN)/python -m pip check
	@touch $@
