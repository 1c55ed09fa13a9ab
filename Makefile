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
ENV    ?= dev
STACK  ?= pretag-$(ENV)
# Another base image than the Dockerfile's, for machines that cannot pull it. Not for releases.
BASE_IMAGE ?=

# A deployed stack for `make load` and `make sweep`, which then cost money. If empty, this machine.
TARGET ?=

# The tools that read exports, in environments of their own.
ORACLES := readers fiftyone ultralytics label-studio

# What comes from the command line or the environment is text: make does not expand it, and the shell
# does not run it. In a recipe, $(call quoted,NAME) is the value of a variable as one word.
TEXTS := VIDEO OUT IMAGE MODEL ENV STACK TARGET BASE_IMAGE VERSION REGISTRY TAG IMAGE_URI AWS_REGION \
  REPOSITORY SUBJECT_PREFIX OIDC_PROVIDER REGISTRIES PULL_ACCOUNTS REGISTRY_ACCOUNT \
  INPUT_BUCKET MODEL_BUCKET KMS_KEYS
$(foreach name,$(TEXTS),$(if $(filter command environment,$(firstword $(origin $(name)))),\
  $(eval override $(name) := $$(value $(name)))))
quoted = '$(subst ','\'',$($1))'

# The AWS CLI reads AWS_REGION, and boto3 and SAM do not.
ifneq ($(AWS_REGION),)
export AWS_DEFAULT_REGION := $(AWS_REGION)
endif

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
	@$(BIN)/pretag run $(call quoted,VIDEO) --out $(call quoted,OUT)

##@ Develop

.PHONY: test
test: .venv/dev.ready ## run the fast tests, but for the simulation
	@$(BIN)/pytest -n 2 tests/unit tests/integration

.PHONY: simulation
simulation: .venv/dev.ready ## run the simulation of uploads that come twice, fail or die
	@$(BIN)/pytest -n 2 tests/simulation

.PHONY: coverage
coverage: .venv/dev.ready ## run the fast tests and the simulation, and check how much of the code they cover
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
check: lint types test simulation ## lint, types and tests: must pass on every commit

.PHONY: report-test
report-test: .venv/dev.ready ## test report.html in a headless browser (needs Chromium)
	@$(BIN)/pytest -q tests/browser

.PHONY: audit
audit: .venv/dev.ready .tools/deploy.ready .tools/audit.ready .tools/scan.ready ## check templates, Dockerfile, workflows and licences
	@$(SAM) validate --lint --region us-east-1
	@.tools/deploy/bin/cfn-lint template.yaml deploy/bootstrap.yaml
	@.tools/audit/bin/checkov --quiet --compact --skip-download --framework cloudformation dockerfile \
	  --file template.yaml deploy/bootstrap.yaml Dockerfile
	@.tools/audit/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@.tools/audit/bin/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@.tools/audit/bin/zizmor --quiet --offline .github
	@$(BIN)/pytest -q tests/audit

.PHONY: vulnerabilities
vulnerabilities: .tools/scan.ready ## look the pinned packages up in OSV (needs the network)
	@$(SCAN) -m supply_chain.vulnerabilities

.PHONY: sbom
sbom: .tools/scan.ready ## list the contents of the image in build/sbom.json (needs Docker)
	@$(SCAN) -m supply_chain.sbom $(call quoted,IMAGE) build/sbom.json

.PHONY: base-digest
base-digest: ## pin the base image in the Dockerfile to its digest (needs Docker and the network)
	@$(PYTHON) -m supply_chain.base_image pin

.PHONY: release-check
release-check: vulnerabilities ## check what a release needs: a pinned base image, no known vulnerability
	@$(PYTHON) -m supply_chain.base_image check

.PHONY: image
image: $(if $(MODEL),.venv/cli.ready) ## build the container image, and show its size: make image [MODEL=better.onnx]
	@$(if $(MODEL),$(BIN)/pretag model add $(call quoted,MODEL) --default)
	@docker build --tag $(call quoted,IMAGE) $(if $(BASE_IMAGE),--build-arg BASE_IMAGE=$(call quoted,BASE_IMAGE)) $(DOCKER_BUILD_FLAGS) .
	@bench/image_size $(call quoted,IMAGE)

.PHONY: image-test
image-test: .venv/dev.ready .tools/emulator.ready image ## test the image in containers (needs Docker)
	@PRETAG_IMAGE=$(call quoted,IMAGE) $(BIN)/pytest tests/e2e/test_image.py tests/e2e/test_confinement.py --verbose

.PHONY: e2e
e2e: .venv/dev.ready .venv/cli.ready .tools/deploy.ready .tools/emulator.ready .tools/scan.ready image ## test the image and the stack in containers (needs Docker)
	@PRETAG_IMAGE=$(call quoted,IMAGE) $(BIN)/pytest tests/e2e --verbose

.PHONY: wheel
wheel: .venv/dev.ready ## build the wheel in dist/, and test it in an environment of its own
	@rm -rf dist build/lib build/bdist.*
	@$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python
	@$(BIN)/pytest tests/wheel --verbose

.PHONY: exports-oracles
exports-oracles: .venv/dev.ready .venv/cli.ready $(ORACLES:%=.tools/oracles/%.ready) ## test exports with the tools that read them (10 GB of packages)
	@$(BIN)/pytest tests/oracles --verbose

.PHONY: known-result
known-result: .venv/cli.ready ## write samples/pedestrians.json again, after a change that means to change it
	@rm -rf build/known-result
	@$(BIN)/pretag run samples/pedestrians.mp4 --out build/known-result >/dev/null
	@cp build/known-result/pedestrians.mp4/*/annotations/instances_default.json samples/pedestrians.json

.PHONY: shards
shards: .venv/dev.ready ## test runs with several processes: shards, videos side by side, S3 behind a server
	@$(BIN)/pytest tests/shards --verbose

.PHONY: soak
soak: .venv/dev.ready ## run random interleavings of deliveries for 10 minutes
	@$(BIN)/python -m tests.simulation.soak

.PHONY: bench
bench: .venv/dev.ready ## measure speed, memory, the hash stage, hostile and damaged files
	@bench/run

.PHONY: cold-start
cold-start: .venv/dev.ready .tools/emulator.ready image ## measure the cold start in the image (needs Docker)
	@bench/cold_start $(call quoted,IMAGE)

.PHONY: load
load: .venv/dev.ready $(if $(TARGET),,.tools/emulator.ready .tools/deploy.ready image) ## measure latency under load, in an emulator (needs Docker), or a stack: make load [TARGET=pretag-dev]
	@$(BIN)/python -m bench.load $(if $(TARGET),--stack $(call quoted,TARGET),--image $(call quoted,IMAGE))

.PHONY: sweep
sweep: .venv/dev.ready $(if $(TARGET),,.tools/emulator.ready image) ## measure seconds and dollars by memory, in containers (needs Docker), or a stack: make sweep [TARGET=pretag-dev]
	@$(BIN)/python -m bench.sweep --plot build/sweep.svg $(if $(TARGET),--stack $(call quoted,TARGET),--image $(call quoted,IMAGE))

.PHONY: format
format: .venv/dev.ready ## rewrite the sources in the project's format
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: lock
# The image can run `pretag run`, and leaves out what only `pretag evaluate` imports: scipy (143 MB), on which
# imagehash depends too, for a DCT (pipeline/deduplication/hashing.py uses that of OpenCV), and pycocotools.
lock: .venv/dev.ready ## resolve the requirements files again, with hashes
	@for set in "dev.txt --extra lambda --group dev" "cli.txt --extra lambda --extra pyav --group build -c requirements/dev.txt" "lambda.txt --extra lambda --extra pyav -c requirements/dev.txt --no-emit-package scipy --no-emit-package pycocotools"; do \
	  $(LOCK) pyproject.toml --output-file requirements/$$set; \
	done
	@for group in deploy audit emulator scan; do \
	  $(LOCK) --group $$group --output-file requirements/$$group.txt; \
	done
	@for group in readers fiftyone ultralytics label-studio; do \
	  $(LOCK) --group $$group --no-emit-package fiftyone-db \
	    --output-file tests/oracles/requirements/$$group.txt; \
	done

.PHONY: clean
clean: ## remove the environments and all generated files
	rm -rf .venv .tools .aws-sam .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis build out

##@ Release and deploy

.PHONY: release-notes
release-notes: ## write the text of a release: make release-notes VERSION=1.2.3
	@mkdir -p build
	@$(PYTHON) -m deploy.changelog $(call quoted,VERSION) >build/release-notes.md

.PHONY: registry-login
registry-login: ## let Docker push to and pull from a registry of AWS: make registry-login REGISTRY=...
	@name=$(call quoted,REGISTRY); \
	  aws ecr get-login-password | docker login --username AWS --password-stdin "$${name%%/*}" >&2

.PHONY: push
push: ## push the image, and print its name with its digest: make push REGISTRY=... TAG=v1.2.3
	@deploy/push $(call quoted,IMAGE) $(call quoted,REGISTRY) $(call quoted,TAG)

# Parameters of deploy/bootstrap.yaml, and the variables that give them. One that is not given keeps its value.
BOOTSTRAP := Repository=REPOSITORY SubjectPrefix=SUBJECT_PREFIX OidcProviderArn=OIDC_PROVIDER \
  Registries=REGISTRIES PullAccounts=PULL_ACCOUNTS RegistryAccount=REGISTRY_ACCOUNT \
  InputBucketName=INPUT_BUCKET ModelBucketName=MODEL_BUCKET KmsKeyArns=KMS_KEYS
given = $(if $($(lastword $1)),$(firstword $1)=$(call quoted,$(lastword $1)))

.PHONY: bootstrap
bootstrap: .tools/deploy.ready ## make roles and registries: make bootstrap ENV=dev REGISTRIES=yes [REPOSITORY=owner/name]
	@$(SAM) deploy --template-file deploy/bootstrap.yaml --stack-name pretag-bootstrap-$(call quoted,ENV) \
	  --capabilities CAPABILITY_NAMED_IAM --no-confirm-changeset --no-fail-on-empty-changeset --resolve-s3 \
	  --parameter-overrides Environment=$(call quoted,ENV) $(foreach pair,$(BOOTSTRAP),$(call given,$(subst =, ,$(pair))))

.PHONY: deploy
deploy: .tools/deploy.ready ## deploy an image: make deploy ENV=dev [IMAGE_URI=...@sha256:...]
	@.tools/deploy/bin/python -m deploy.to $(call quoted,ENV) $(if $(IMAGE_URI),$(call quoted,IMAGE_URI))

.PHONY: smoke
smoke: .venv/cli.ready ## test a deployed stack with the sample clip: make smoke STACK=pretag-dev
	@$(BIN)/python -m deploy.smoke $(call quoted,STACK)

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

.tools/oracles/%.ready: tests/oracles/requirements/%.txt | .venv/dev.ready
	@test -x .tools/oracles/$*/bin/python || $(PYTHON) -m venv .tools/oracles/$*
	@echo "installing tests/oracles/requirements/$*.txt into .tools/oracles/$* (once)"
	@$(BIN)/uv pip install --quiet --python .tools/oracles/$*/bin/python --require-hashes --no-deps --requirement $<
	@touch $@
