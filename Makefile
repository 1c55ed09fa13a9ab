# The commands of the project. `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
VIDEO  ?= samples/pedestrians.mp4
OUT    ?= out
IMAGE  ?= pretag:dev
# A model file with its card beside it, which becomes the default model of the image, and here.
MODEL  ?=
BIN    := .venv/bin
SAM    := SAM_CLI_TELEMETRY=0 .tools/deploy/bin/sam
SCAN   := .tools/scan/bin/python
# Another base image than the Dockerfile's, for machines that cannot pull it. Not for releases.
BASE_IMAGE ?=

##@ Use

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} \
	  /^[a-zA-Z0-9_-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/cli.ready ## annotate a video: make run [VIDEO=clip.mp4] [OUT=folder]
	@$(BIN)/pretag run "$(VIDEO)" --out "$(OUT)"

##@ Develop

.PHONY: test
test: .venv/dev.ready ## run the fast tests, with coverage
	@$(BIN)/pytest -n 2 --cov --cov-report=term

.PHONY: lint
lint: .venv/dev.ready ## check style, imports and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

.PHONY: types
types: .venv/dev.ready ## check types strictly
	@$(BIN)/mypy

.PHONY: check
check: lint types test ## lint, types and tests: must pass on every commit

.PHONY: audit
audit: .venv/dev.ready .tools/deploy.ready .tools/audit.ready .tools/scan.ready ## check the template, the Dockerfile and the licences
	@$(SAM) validate --lint --region us-east-1
	@.tools/deploy/bin/cfn-lint template.yaml
	@.tools/audit/bin/checkov --quiet --compact --skip-download --framework cloudformation dockerfile \
	  --file template.yaml Dockerfile
	@$(BIN)/pytest -q tests/audit

.PHONY: vulnerabilities
vulnerabilities: .tools/scan.ready ## look the pinned packages up in OSV (needs the network)
	@$(SCAN) -m supply_chain.vulnerabilities

.PHONY: sbom
sbom: .tools/scan.ready ## list the contents of the image in build/sbom.json (needs Docker)
	@$(SCAN) -m supply_chain.sbom $(IMAGE) build/sbom.json

.PHONY: base-digest
base-digest: ## pin the base image in the Dockerfile to its digest (needs Docker and the network)
	@$(PYTHON) -m supply_chain.base_image pin

.PHONY: release-check
release-check: vulnerabilities ## check what a release needs: a pinned base image, no known vulnerability
	@$(PYTHON) -m supply_chain.base_image check

.PHONY: image
image: $(if $(MODEL),.venv/cli.ready) ## build the container image, and show its size: make image [MODEL=better.onnx]
	@$(if $(MODEL),$(BIN)/pretag model add "$(MODEL)" --default)
	@docker build --tag $(IMAGE) $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(BASE_IMAGE)) $(DOCKER_BUILD_FLAGS) .
	@bench/image_size $(IMAGE)

.PHONY: e2e
e2e: .venv/dev.ready .tools/deploy.ready .tools/emulator.ready .tools/scan.ready image ## test the image and the stack in containers (needs Docker)
	@BASE_IMAGE=$(BASE_IMAGE) tests/e2e/sam_build
	@PRETAG_IMAGE=$(IMAGE) $(BIN)/pytest tests/e2e --verbose

.PHONY: soak
soak: .venv/dev.ready ## run random interleavings of deliveries for 10 minutes
	@$(BIN)/python -m tests.simulation.soak

.PHONY: bench
bench: .venv/dev.ready ## measure speed, memory, the hash stage, hostile and damaged files
	@bench/run

.PHONY: cold-start
cold-start: .venv/dev.ready .tools/emulator.ready image ## measure the cold start in the image (needs Docker)
	@bench/cold_start $(IMAGE)

.PHONY: format
format: .venv/dev.ready ## rewrite the sources in the project's format
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: lock
# imagehash depends on scipy (143 MB) for a DCT; pipeline/deduplication/hashing.py uses that of OpenCV.
lock: .venv/dev.ready ## resolve the requirements files again, with hashes
	@for set in "dev.txt --extra cli --group dev" "cli.txt --extra cli --extra pyav --group build -c requirements/dev.txt" "lambda.txt --extra pyav -c requirements/dev.txt --no-emit-package scipy"; do \
	  $(LOCK) pyproject.toml --output-file requirements/$$set; \
	done
	@for group in deploy audit emulator scan; do \
	  $(LOCK) --group $$group --output-file requirements/$$group.txt; \
	done

.PHONY: clean
clean: ## remove the environments and all generated files
	rm -rf .venv .tools .aws-sam .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis build out

# Installs a requirements file. `make test` adds its packages to those that `make run` installed.
.venv/%.ready: requirements/%.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing requirements/$*.txt into .venv (once)"
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement requirements/$*.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Tools whose pins conflict with those of the project, each in its own environment.
.tools/%.ready: requirements/%.txt
	@test -x .tools/$*/bin/python || $(PYTHON) -m venv .tools/$*
	@echo "installing requirements/$*.txt into .tools/$* (once)"
	@.tools/$*/bin/python -m pip install --quiet --require-hashes --no-deps --requirement requirements/$*.txt
	@touch $@
