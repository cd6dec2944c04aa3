# Two commands matter: `make serve` and `make test`. Both set everything up by themselves.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
SERVE_FLAGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --require-hashes --only-binary :all:

.PHONY: help serve serve-lite test check format lock bench docs clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

serve: $(VENV)/.runtime ## set up, download the weights once, and serve on HOST:PORT (127.0.0.1:8000)
	$(BIN)/auricle serve --host $(HOST) --port $(PORT) $(SERVE_FLAGS)

serve-lite: SERVE_FLAGS += --lite
serve-lite: serve ## the same with the small language model

test: $(VENV)/.dev ## set up, download the weights the tests need, run every test
	$(BIN)/auricle models pull --for-tests
	$(BIN)/python -m pytest

check: $(VENV)/.dev ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.dev ## resolve the dependencies anew into the lock files
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group build --universal --generate-hashes --only-binary :all: --no-annotate \
		--no-header --quiet --upgrade -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group build --group dev --universal --generate-hashes --only-binary :all: --no-annotate \
		--no-header --quiet -c requirements.lock -o requirements-dev.lock

docs: $(VENV)/.dev ## write the generated reference pages anew
	$(BIN)/python -m docs.generate

clean: ## remove the virtual environment and caches of the tools (not the weights)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Auricle needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "$(PYTHON) cannot create virtual environments. On Debian: apt install python3-venv"; exit 1; }

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing the locked dependencies into $(VENV) ..."
	$(INSTALL) -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -c 'import xllamacpp' || \
		{ echo "llama.cpp's runtime does not load. On Debian: apt install libgomp1"; exit 1; }
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing the locked test tools into $(VENV) ..."
	$(INSTALL) -r requirements-dev.lock
	@touch $@
