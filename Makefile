# Sidewarden. `make help` lists what there is to do.

UV_VERSION := 0.13.8
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
MINUTES ?= 60

export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install devnet soak test e2e e2e-soak lint typecheck model bench mutants contracts check-contracts anvil maticjs cometbft proto clean

help: ## Show this list.
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 24

install: $(VENV)/.installed ## Make .venv with the locked dependencies.

$(VENV)/.installed: pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "Sidewarden needs Python 3.11, 3.12 or 3.13 with the venv module:" \
		"install one (Debian: apt install python3 python3-venv) or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv sync --quiet --locked --compile-bytecode --python $(BIN)/python
	@touch $@

devnet: install ## Start a network on this machine; options by ARGS="--validators 7".
	@$(BIN)/sidewarden devnet $(ARGS)

soak: install ## Run random simulations, up to the first broken rule: make soak MINUTES=60.
	@$(BIN)/sidewarden simulate --minutes $(MINUTES) $(ARGS)

test: install lint typecheck $(if $(shell command -v npm),anvil) ## Run lint, types and every test but those of clients and e2e.
	$(BIN)/pytest -n 2 --dist loadgroup -m "not comet and not clients"

clients: install $(if $(shell command -v npm),maticjs) ## Run the tests with matic.js (needs Node.js) and in a (needs Debian's chromium).
	$(BIN)/pytest -n 2 --dist loadgroup -m clients tests/browser tests/e2e/maticjs

e2e: install cometbft ## Run the tests on networks of real CometBFT nodes (needs Go).
	$(BIN)/pytest -n 2 --dist loadgroup -o faulthandler_timeout=300 -m "comet and not soak" tests/e2e/comet

e2e-soak: install cometbft ## Run those that take longer than every change can wait.
	$(BIN)/pytest -n 2 --dist loadgroup -o faulthandler_timeout=300 -m "comet and soak" tests/e2e/comet

lint: install ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

typecheck: install ## Check types, strictly, in code and tests.
	$(BIN)/mypy

model: install ## Explore the model of the turn machinery to its deep bounds, and break its rules.
	$(BIN)/python -m tests.model $(ARGS)

bench: install $(if $(shell command -v go),cometbft $(BIN)/abci-cli) ## Measure, as ratios against baselines of the same run.
	$(BIN)/python -m tests.bench

mutants: install ## Break the code in many ways, and see that a test notices each; options by ARGS="--only NAME".
	@$(BIN)/python -m tests.mutants $(ARGS)

contracts: ## Compile the Solidity sources into contracts/artifacts (needs Node.js).
	cd contracts && npm ci --silent --no-audit --no-fund && node compile.mjs

check-contracts: ## Check that the committed artifacts are what the sources compile to (needs Node.js).
	cd contracts && npm ci --silent --no-audit --no-fund && node compile.mjs --check

ANVIL := tests/e2e/anvil/node_modules/.package-lock.json

anvil: $(ANVIL) ## Install the anvil that the tests in tests/e2e/anvil run on (needs Node.js).

$(ANVIL): tests/e2e/anvil/package-lock.json
	cd tests/e2e/anvil && npm ci --silent --no-audit --no-fund
	@touch $@

MATICJS := tests/e2e/maticjs/node_modules/.package-lock.json

maticjs: $(MATICJS) ## Install the published matic.js that tests/e2e/maticjs runs on a devnet (needs Node.js).

$(MATICJS): tests/e2e/maticjs/package-lock.json
	cd tests/e2e/maticjs && npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

COMETBFT := $(BIN)/cometbft
COMETBFT_RELEASE := v0.40.0

cometbft: $(COMETBFT) ## Install CometBFT, the engine of real networks, into .venv (needs Go).

$(COMETBFT): | $(VENV)/.installed
	@command -v go >/dev/null || { echo "CometBFT is built by Go: install it (Debian: apt install golang-go), or put a" \
		"cometbft $(COMETBFT_RELEASE) binary on PATH" >&2; exit 1; }
	GOBIN="$(abspath $(BIN))" go install github.com/cometbft/cometbft/cmd/cometbft@$(COMETBFT_RELEASE)

$(BIN)/abci-cli: | $(VENV)/.installed
	GOBIN="$(abspath $(BIN))" go install github.com/cometbft/cometbft/abci/cmd/abci-cli@$(COMETBFT_RELEASE)

proto: install ## Make the protobuf stubs from our .proto files.
	$(BIN)/python -m node.engine.proto.generate

clean: ## Remove what install and the tests made.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis contracts/node_modules tests/e2e/anvil/node_modules \
		tests/e2e/maticjs/node_modules
