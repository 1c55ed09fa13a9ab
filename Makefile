# pretag. `make` lists what can be done.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
VIDEO  ?= samples/pedestrians.mp4
OUT    ?= out
BIN    := .venv/bin

##@ Use

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} \
	  /^[a-zA-Z0-9_-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/cli.ready ## annotate a video: make run [VIDEO=clip.mp4] [OUT=folder]
	@$(BIN)/pretag run "$(VIDEO)" --out "$(OUT)"

##@ Develop

.PHONY: test
test: .venv/dev.ready ## run the whole fast suite, with coverage
	@$(BIN)/pytest -n 2 --cov --cov-report=term

.PHONY: lint
lint: .venv/dev.ready ## check style, imports and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

.PHONY: types
types: .venv/dev.ready ## check types, strictly
	@$(BIN)/mypy

.PHONY: check
check: lint types test ## lint, types and tests: what must be green on every commit

.PHONY: format
format: .venv/dev.ready ## rewrite the sources in the project's format
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: lock
# imagehash asks for scipy (143 MB) for a DCT that pipeline/hashing.py takes from OpenCV.
lock: .venv/dev.ready ## resolve the requirements files anew, with hashes
	@for set in "dev.txt --extra cli --group dev" "cli.txt --extra cli --group build -c requirements/dev.txt" "lambda.txt -c requirements/dev.txt --no-emit-package scipy"; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url pyproject.toml --output-file requirements/$$set; \
	done

.PHONY: clean
clean: ## remove the environment and everything made
	rm -rf .venv .aws-sam .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis build out

# An environment is its requirements file, installed: `make test` adds to what `make run` made.
.venv/%.ready: requirements/%.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing requirements/$*.txt into .venv (once)"
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/$*.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
