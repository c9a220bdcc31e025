# Chirp: `make run` and `make test` work on a fresh machine with Python 3.11+; neither needs root.
PYTHON ?= python3
DATA ?= demo-data
PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEVELOP := $(VENV)/.develop
COMPILE := $(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: help run test check format bench soak crash screenshots lock build clean

help:  ## Say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Chirp needs Python 3.11+")'
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): $(BIN)/python requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

# What `pip install -e .` would make, without what that needs: no build backend to fetch and to pin.
# `make test` puts pip's in its place.
define COMMAND
#!/bin/sh
PYTHONPATH="$(CURDIR)$${PYTHONPATH:+:$$PYTHONPATH}" exec "$(abspath $(BIN)/python)" -P -m chirp "$$@"
endef
export COMMAND

$(BIN)/chirp: | $(RUNTIME)
	@printf '%s\n' "$$COMMAND" > $@
	@chmod +x $@

$(DEVELOP): $(BIN)/python requirements-dev.lock pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@ $(RUNTIME)

run: $(BIN)/chirp  ## Serve a living demo on http://127.0.0.1:8080 (PORT=…, DATA=…)
	$(BIN)/python -m chirp serve --data $(DATA) --demo --port $(PORT)

test: $(DEVELOP)  ## Run all tests
	$(BIN)/python -m pytest -n auto

check: $(DEVELOP)  ## Lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEVELOP)  ## Format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEVELOP)  ## Measure a short dose of everything; print target beside result
	$(BIN)/python -m bench

soak: $(DEVELOP)  ## Live on a server for a while, plot it, judge what grew (MINUTES=…)
	$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),2) --write

crash: $(DEVELOP)  ## Kill the server with SIGKILL, many rounds (ROUNDS=…)
	CHIRP_TEST_CRASH_ROUNDS=$(or $(ROUNDS),200) $(BIN)/python -m pytest -n 2 tests/crash --timeout 7200

screenshots: $(DEVELOP)  ## Picture every page, light and dark, wide and narrow, into screenshots/ (needs chromium)
	$(BIN)/python -m tests.browser.screenshots

lock: $(BIN)/python  ## Pin all dependencies anew
	$(BIN)/python -m pip install -q --disable-pip-version-check pip-tools
	$(COMPILE) -o requirements.lock pyproject.toml
	$(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); \
	  print(*p["project"]["dependencies"], *p["dependency-groups"]["dev"], sep="\n")' \
	  | $(COMPILE) -c requirements.lock -o requirements-dev.lock -

build: $(DEVELOP)  ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

clean:  ## Remove the environment, the demo and what tools leave behind
	rm -rf $(VENV) $(DATA) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
