# Everything a developer runs. Each goal does the set-up that it needs by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: setup demo test races fuzz check pictures bench storm lock clean
.DELETE_ON_ERROR:

setup: $(VENV)/.dev

$(VENV)/.runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Mailroom needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

# A page to try the bot in, until Ctrl-C.
demo: $(VENV)/.runtime
	$(BIN)/mailroom demo

# The page is tried in a browser; where there is none, and none can be had, the tests say so at their end.
test: $(VENV)/.dev
	@$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest

# What `make test` plays in a few rounds, in as many as are promised, and what came of them: ten to fifteen minutes.
races: $(VENV)/.dev
	RACE_ROUNDS=200 $(BIN)/python -m pytest --numprocesses=0 --timeout=1200 tests/races

# Malformed deliveries and lines, 100 of each kind in `make test`, in as many as are promised: up to three quarters of an hour.
fuzz: $(VENV)/.dev
	FUZZ_EXAMPLES=2000 $(BIN)/python -m pytest --numprocesses=0 --timeout=1200 tests/flows/test_fuzz.py tests/flows/test_fuzz_between.py tests/flows/test_fuzz_of_installing.py

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint --failure-threshold info Dockerfile
	$(BIN)/python -m tests.dependencies

# The README's pictures, from the running page; needs a Chromium.
pictures: $(VENV)/.dev
	$(BIN)/python -m tests.browser.pictures

# Each writes its figures into docs/; a machine that does nothing else takes about twenty minutes.
bench: $(VENV)/.dev
	for one in acknowledgements burst ticks polling delays; do $(BIN)/python -m benchmarks.$$one || exit 1; done

# One process is killed 100 times in each of eight settings, and three are killed and frozen in four: ten minutes or more each.
storm: $(VENV)/.dev
	for database in sqlite postgresql three-processes; do for faults in --no-faults --faults; do for read in --readable --unreadable; do \
		$(BIN)/python -m benchmarks.crash_storm --database $$database $$faults $$read --page || exit 1; done; done; done

lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group build pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) .demo
