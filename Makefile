# One list of tasks for people, hooks and CI. `make` alone prints it.
.DEFAULT_GOAL := help
.PHONY: help up down test setup check audit fuzz offline fmt bench lock clean deploy images images-e2e manifests pipelines \
	repro screenshots

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
TEST_PROCESSES ?= 2
export DVC_NO_ANALYTICS := 1
# Empty is unset: without byte code each of the many processes compiles its libraries anew, torch's alone for 3 s.
export PYTHONDONTWRITEBYTECODE :=

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

up: setup  ## set up, build the twin and open it at http://127.0.0.1:8080
	@$(BIN)/twin up

test: setup  ## set up and pass every test
	@sh tools/chromium.sh
	@# Files in their order: by number of tests, the longest would all come last, side by side.
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

setup: $(STAMP) data/juno-marsh/inbox  ## the environment and the sample author

$(STAMP): requirements/lock.txt pyproject.toml tools/setup.sh
	@sh tools/setup.sh "$(PYTHON)" "$(VENV)"
	@touch $@

data/juno-marsh/inbox: | $(STAMP)
	@$(BIN)/twin init --sample

down:  ## stop everything that `make up` started
	@[ ! -x $(BIN)/twin ] || $(BIN)/twin down

clean: down  ## remove the environment and all that was built or learned; what you handed in and said of it stays
	rm -rf $(VENV) .twin .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
	rm -rf models/*/ reports/*/ .dvc/cache .dvc/tmp
	find data -mindepth 2 -maxdepth 2 -type d ! -name inbox -exec rm -rf {} + 2>/dev/null || true

repro: setup  ## run the stages that have changed
	$(BIN)/dvc repro

check: setup  ## format, lint, types, import floors, pipelines against their sources, no secret in any file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pipelines.compile --check
	$(BIN)/python tools/secret_scan.py

audit: setup  ## look the packages up among known weaknesses (asks PyPI's service)
	sh tools/audit.sh "$(VENV)"

fuzz: setup  ## mangled samples for every parser (FUZZ_MINUTES=4), mangled requests for the endpoint (FUZZ_CASES=20000)
	$(BIN)/python -m bench.fuzz_parsers --minutes $(or $(FUZZ_MINUTES),4)
	$(BIN)/python -m bench.fuzz_endpoint --cases $(or $(FUZZ_CASES),20000)

offline: setup  ## the whole way to a draft in a network namespace without a route (as root)
	$(BIN)/python -m bench.offline

fmt: setup  ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## print every figure of docs/RESULTS.md again
	$(BIN)/python -m bench

lock: $(STAMP)  ## resolve requirements/*.in again
	sh tools/lock.sh "$(VENV)"

pipelines: setup  ## compile the pipelines and run them locally
	$(BIN)/python -m pipelines.compile
	$(BIN)/python -m pytest tests/pipelines

manifests: setup  ## render and validate the manifests
	$(BIN)/python -m pytest tests/manifests

images:  ## build the container images
	sh images/build.sh

images-e2e: setup  ## build the CPU images with podman and run them
	PYTHON=$(BIN)/python sh images/e2e.sh

deploy: setup  ## apply an overlay: make deploy OVERLAY=kind
	$(BIN)/twin cluster apply $(or $(OVERLAY),kind)

screenshots: setup  ## make docs/img again from the running app
	$(BIN)/python docs/screenshots.py
