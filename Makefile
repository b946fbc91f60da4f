# `make up` and `make test` are all a newcomer needs. Everything goes into .venv; nothing else is touched.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# The first that is there; 3.11 is what the locked versions were resolved for.
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3.14 python3,$(shell command -v $(name))))
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COVERED := registration program sync hubspot

# Where a machine forbids keeping compiled code, each of our processes would compile all of it anew as it starts.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install up test coverage soak bench screens lint format lock messages clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv with everything at its locked version

$(INSTALLED): requirements-dev.lock pyproject.toml
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python"; exit 1; }
	@echo "installing into $(VENV) (once, and when the locked versions change)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@$(PIP) install --no-deps --editable .
	@touch $@

# `exec`, so that the signals meant for it reach it, and not a shell.
up: $(INSTALLED) ## run everything on this machine; Ctrl-C stops it
	@exec $(BIN)/syncworker up

test: $(INSTALLED) ## run all tests, then check the coverage
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest --numprocesses 3 --dist worksteal $(addprefix --cov=syncworker.,$(COVERED)) --cov-report=
	@$(MAKE) --no-print-directory coverage

coverage: ## show the coverage of the last tests; below 90 % in a part that decides, fail
	@failed=0; for part in $(COVERED); do \
		echo "== $$part"; \
		$(BIN)/coverage report --include "*/syncworker/$$part/*" --fail-under 90 || failed=1; \
	done; exit $$failed

MINUTES ?= 10

soak: $(INSTALLED) ## break everything for MINUTES (10), three made-up seeds or SEED="1 2 3"; SHORT=1: mended within seconds
	@PYTHONPATH=tests $(BIN)/python -m faults --minutes $(MINUTES) $(if $(SHORT),,--thorough) $(addprefix --seed ,$(SEED))

bench: $(INSTALLED) ## measure into build/bench.json and docs/benchmark.md; QUICK=1 for less
	@PYTHONPATH=tests $(BIN)/python -m bench

screens: $(INSTALLED) ## picture every page into build/screens; ROWS=100000 for long lists, ONLY=capacity,lead for some
	@PYTHONPATH=tests $(BIN)/python -m browser.screens

lint: $(INSTALLED) ## check style, types and which module imports which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(INSTALLED) ## put the code into its format
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

LOCK := uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11 --upgrade

lock: ## lock the newest versions that fit; needs uv
	@$(LOCK) --extra embedded --extra traces --output-file requirements.lock pyproject.toml
	@$(LOCK) --extra embedded --extra traces --extra dev --output-file requirements-dev.lock pyproject.toml

PYBABEL := $(BIN)/pybabel --quiet
LOCALES := src/syncworker/web/locales

messages: $(INSTALLED) ## gather the texts to translate into every catalogue; LANGUAGE=de begins another one
	@mkdir -p build
	@$(PYBABEL) extract --mapping babel.cfg --keyword to_translate --keyword to_translate_as:1c,2 --no-location --sort-output \
		--output build/messages.pot src/syncworker
	@$(if $(LANGUAGE),$(PYBABEL) init --input-file build/messages.pot --output-dir $(LOCALES) --locale $(LANGUAGE))
	@$(PYBABEL) update --input-file build/messages.pot --output-dir $(LOCALES) --width 120 --no-fuzzy-matching \
		--ignore-obsolete --ignore-pot-creation-date

clean: ## remove .venv and all caches; the data in .syncworker stays
	@rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
