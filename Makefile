# caseprobe: `make` alone prints this help.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PROTO_VENV ?= .venv-proto
# Tests run side by side in so many processes, one more than this project's machine of CI has processors: many wait.
WORKERS ?= 3
PROTOS := $(sort $(wildcard proto/caseprobe/v1/*.proto))
# No target probes the network that it runs in; the only packets go to loopback and to the tests' own namespaces.
export CASEPROBE_NETWORK_PROBES := off
# Compiled modules are kept, as an installation keeps them: tests and measurements start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

##@ Use
.PHONY: help demo
help: ## print this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/installed ## collector, agent and a case on this machine; prints an address and a login, Ctrl-C ends it
	@$(BIN)/caseprobe demo $(ARGS)

##@ Develop
.PHONY: bench-bundle bench-redact bench-canaries test pytest check format proto proto-check bench eval-logs torture eval-smart bench-checks eval-faults clean bench-path
test: $(VENV)/developing ## everything that must pass before a change lands; CASEPROBE_EXAMPLES=n of what is drawn
	@$(MAKE) --no-print-directory --jobs=2 check pytest

pytest: $(VENV)/developing ## the tests alone; ARGS="--spending file" shows where their time goes
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/developing ## format, lint, types, import contracts, the contract's own rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/buf lint proto
	@if ls proto/released/*.binpb >/dev/null 2>&1; then $(BIN)/buf breaking proto --against "$$(ls proto/released/*.binpb | sort -V | tail -n 1)"; fi

format: $(VENV)/developing ## rewrite the sources in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

proto: $(PROTO_VENV)/installed ## regenerate the messages from the .proto files
	PATH="$(abspath $(PROTO_VENV))/bin:$$PATH" $(PROTO_VENV)/bin/python -m grpc_tools.protoc -Iproto --python_out=proto --grpc_python_out=proto \
	    --mypy_out=quiet:proto --mypy_grpc_out=quiet:proto $(PROTOS)
	@for f in $(PROTOS); do grep -q '^service ' $$f || rm -f $${f%.proto}_pb2_grpc.py $${f%.proto}_pb2_grpc.pyi; done

proto-check: ## fail where the committed messages are not what the .proto files say
	$(MAKE) proto
	git diff --exit-code -- proto

bench: $(VENV)/developing ## measure, each figure with its floor or peer in the same run
	$(BIN)/python -m tests.bench $(ARGS)

eval-logs: $(VENV)/developing ## how well logs are judged; LOGS=<folder with the labelled logs> for the grouping part
	$(BIN)/python -m tests.evaluation.logs $(LOGS)

MINUTES ?= 5
RESULTS ?= docs/torture.jsonl
torture: $(VENV)/developing ## hurt the real processes for MINUTES=n; the results add up in docs/torture.jsonl and docs/reliability.md
	$(BIN)/python -m tests.torture --minutes $(MINUTES) --results $(RESULTS) --page docs/reliability.md $(ARGS)

.PHONY: simulate
simulate: $(VENV)/developing ## many seeds of agents and collector on simulated disks, wires and clocks: SEEDS=n FIRST=n WORLD=name
	$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),100) --first $(or $(FIRST),0) $(if $(WORLD),--world $(WORLD))

eval-smart: $(VENV)/developing ## SMART checks on labelled reports beside other tools' rules; DATA=<their folder>, ARGS=--write
	$(BIN)/python -m tests.evaluation.smart $(DATA) $(ARGS)

bench-checks: $(VENV)/developing ## cost of one pass of probes and checks, and 24 runs on this machine
	$(BIN)/python -m tests.bench.checks $(ARGS)

eval-faults: $(VENV)/developing ## real faults on the real kernel (root): which are found, with the right object
	$(BIN)/python -m tests.faults $(ARGS)

bench-bundle: $(VENV)/developing ## the one-shot bundle beside Debian's sosreport on one planted machine (root; 6 minutes)
	$(BIN)/python -m tests.bench.bundle

bench-path: $(VENV)/developing ## the path probe beside mtr, traceroute, tracepath and icmplib on one bed (root)
	$(BIN)/python -m tests.bench.path $(ARGS)

bench-redact: $(VENV)/developing ## how much planted secrecy is hidden, what else is, and how fast; LOGS=<folder of logs>
	$(BIN)/python -m tests.evaluation.redaction $(LOGS)
	$(BIN)/python -m tests.evaluation.identifiers
	$(BIN)/python -m tests.evaluation.identifiers.size $(SIZES)

.PHONY: bench-archives
bench-archives: $(VENV)/developing ## over 500 hostile archives, each refused or read: time and memory of the worst
	$(BIN)/python -m tests.bench.archives

bench-canaries: $(VENV)/developing ## 200 values planted on a machine and looked for in every place, in six encodings (root)
	$(BIN)/python -m tests.canary $(ARGS)

clean: ## remove environments and caches
	rm -rf $(VENV) $(PROTO_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Environments. A stamp says what was installed from which pyproject.toml.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "caseprobe needs Python 3.11 or newer with venv; on Debian: apt install python3 python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[collector]'
	@touch $@

$(VENV)/developing: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[collector,dev]'
	@touch $@ $(VENV)/installed

$(PROTO_VENV)/installed:
	$(PYTHON) -m venv $(PROTO_VENV)
	$(PROTO_VENV)/bin/pip install --quiet --disable-pip-version-check grpcio-tools==1.80.0 mypy-protobuf==5.1.0 'setuptools<81'
	@touch $@
