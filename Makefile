# Two commands matter: `make serve` and `make test`. Both set everything up by themselves.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
SERVE_FLAGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --require-hashes --only-binary :all:
CLIENTS := tests/clients/requirements tests/clients/litellm
BENCH_FLAGS ?=
FUZZ_SEED ?= 1
FUZZ_FILES ?= 20000
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := formats ogg source address body cut chat
NODE_CLIENTS := tests/clients/node

.PHONY: help serve serve-lite test test-ledger test-clients fuzz fuzz-short check format lock bench eval docs clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

serve: $(VENV)/.runtime ## set up, download the weights once, and serve on HOST:PORT (127.0.0.1:8000)
	$(BIN)/auricle serve --host $(HOST) --port $(PORT) $(SERVE_FLAGS)

serve-lite: SERVE_FLAGS += --lite
serve-lite: serve ## the same with the small language model

test: $(VENV)/.dev ## set up, download the weights the tests need, run every test
	$(BIN)/auricle models pull --for-tests
	$(BIN)/python -m pytest

test-ledger: $(VENV)/.dev ## kill servers 200 times for each database while they keep accounts (about 10 minutes)
	AURICLE_TEST_KILLS=200 $(BIN)/python -m pytest -s tests/accounts/test_kills.py

test-clients: $(VENV)/.dev .venv-clients/.ready .venv-litellm/.ready $(NODE_CLIENTS)/node_modules/.ready ## run clients of MiMo's and OpenAI's services, unmodified, against a server (needs Node.js)
	$(BIN)/auricle models pull --for-tests
	$(BIN)/python -m pytest tests/clients -m clients

bench: $(VENV)/.runtime ## speech recognition over HTTP against faster_whisper.transcribe: errors, speed, first text (minutes)
	$(BIN)/python -m bench.sets --least
	$(BIN)/python -m bench.recognition --rounds 1 --file-seconds 120 --clips 16 --only clips alone first short file $(BENCH_FLAGS)

fuzz: $(VENV)/.dev .venv-fuzz/.ready ## send 20,000 mutated files to a server, then fuzz the parsers (Linux, half an hour; FUZZ_SEED, FUZZ_FILES, FUZZ_SECONDS)
	$(BIN)/python -m tests.fuzz.decoder --files $(FUZZ_FILES) --seed $(FUZZ_SEED)
	rm -rf build/fuzz-corpus && .venv-fuzz/bin/python -m tests.fuzz.parsers --seeds build/fuzz-corpus
	for target in $(FUZZ_TARGETS); do echo "$$target, for $(FUZZ_SECONDS) s"; .venv-fuzz/bin/python -m tests.fuzz.parsers $$target -seed=$(FUZZ_SEED) \
		-max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix=build/fuzz-$$target- build/fuzz-corpus/$$target || exit 1; done
	@echo "Nothing was found."

fuzz-short: FUZZ_FILES = 1500
fuzz-short: FUZZ_SECONDS = 5
fuzz-short: fuzz ## the same in two minutes, for every change

test-console: $(VENV)/.dev ## use the web console in headless Chromium (Debian: apt install chromium)
	$(BIN)/auricle models pull --for-tests
	$(BIN)/python -m pytest tests/console -m "console or not console"

check: $(VENV)/.dev ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

eval: $(VENV)/.dev ## ask a server questions about real audio and judge its answers (fetches about 2 GB of clips once; see docs/quality.md)
	$(BIN)/python -m bench.sets
	$(BIN)/python -m bench.sounds.sources
	$(BIN)/python -m bench.understanding.evaluate

lock: $(VENV)/.dev ## resolve the dependencies anew into the lock files
	$(PIP) install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --group build --universal --generate-hashes --only-binary :all: --no-annotate \
		--no-header --quiet --upgrade -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group build --group dev --universal --generate-hashes --only-binary :all: --no-annotate \
		--no-header --quiet -c requirements.lock -o requirements-dev.lock
	for clients in $(CLIENTS) tests/fuzz/requirements; do $(BIN)/uv pip compile $$clients.in --universal --python-version 3.11 --generate-hashes \
		--only-binary :all: --no-annotate --no-header --quiet --upgrade -o $$clients.lock || exit 1; done

docs: $(VENV)/.dev ## write the generated reference pages anew
	$(BIN)/python -m docs.generate

clean: ## remove the virtual environment and caches of the tools (not the weights)
	rm -rf $(VENV) .venv-clients .venv-litellm .venv-fuzz $(NODE_CLIENTS)/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

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

# Other people's programs keep to environments of their own: their pins must not touch the server's.
.venv-clients/.ready: tests/clients/requirements.lock
.venv-litellm/.ready: tests/clients/litellm.lock
.venv-clients/.ready .venv-litellm/.ready:
	@echo "Installing the clients of $< into $(@D) ..."
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary :all: -r $<
	@touch $@

# Beside atheris it sees what the server's environment has.
.venv-fuzz/.ready: tests/fuzz/requirements.lock $(VENV)/.dev
	@rm -rf $(@D)
	@$(BIN)/python -m venv $(@D)
	$(@D)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes --only-binary :all: -r $<
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
		$$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/auricle.pth
	@touch $@

$(NODE_CLIENTS)/node_modules/.ready: $(NODE_CLIENTS)/package-lock.json
	@command -v npm > /dev/null || { echo "The JavaScript clients need Node.js 20 or newer and npm. On Debian: apt install nodejs npm"; exit 1; }
	@echo "Installing the JavaScript clients into $(@D) ..."
	npm --prefix $(NODE_CLIENTS) ci --no-audit --no-fund
	@touch $@
