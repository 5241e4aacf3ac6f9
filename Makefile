# Everything a person needs; each target sets up what it uses and is safe to repeat.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh
VENV := backend/.venv
BIN := $(VENV)/bin
PYTHON_READY := $(VENV)/.ready
NODE_READY := frontend/node_modules/.ready
BUILT := backend/src/headway/static/.built
BACKEND_SOURCES := backend/pyproject.toml backend/uv.lock
FRONTEND_SOURCES := $(shell find frontend/src frontend/public -type f 2>/dev/null) \
  frontend/index.html frontend/vite.config.ts frontend/package.json

PACKED := frontend/packages/out/.packed

.PHONY: help setup run packages test test-backend test-frontend test-browser check static format lint types protocol bench bench-ui screens chaos mutations wheel clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(PYTHON_READY): $(BACKEND_SOURCES) scripts/python_env.sh
	@scripts/python_env.sh
	@touch $@

$(NODE_READY): frontend/package.json frontend/package-lock.json $(PYTHON_READY)
	@echo "· front-end packages: npm ci"
	@scripts/front_end.sh ci --no-audit --no-fund --loglevel=error
	@touch $@

$(BUILT): $(NODE_READY) $(FRONTEND_SOURCES)
	@echo "· building the front end"
	@scripts/front_end.sh run --silent build
	@touch $@

setup: $(PYTHON_READY) $(BUILT) ## Create the environments from the lock files and build the front end

run: setup ## Start the server with the examples and watch a real audit of this Python environment
	@$(BIN)/python scripts/demo.py

test: test-backend test-frontend test-browser ## Set up, then run every test: Python, front end, browser

test-backend: $(PYTHON_READY) $(NODE_READY) ## Python tests only (some of their viewers run under Node)
	cd backend && .venv/bin/python -m pytest -q

test-frontend: $(NODE_READY) ## Front-end unit tests only
	scripts/front_end.sh test

$(PACKED): $(NODE_READY) $(FRONTEND_SOURCES) $(shell find frontend/packages -path '*/src/*' -o -name build.mjs 2>/dev/null)
	@echo "· packing the npm packages"
	@scripts/front_end.sh run --silent packages
	@touch $@

packages: $(PACKED) ## Build, check and pack the npm packages into frontend/packages/out

test-browser: setup packages ## Real browser against the real server
	@HEADWAY_CHROMIUM="$$(scripts/find_chromium.sh)" && export HEADWAY_CHROMIUM && scripts/front_end.sh run e2e

static: lint types ## Format, lint, types and import layers

check: static test ## All that CI runs

format: $(PYTHON_READY) $(NODE_READY) ## Rewrite sources in our format
	cd backend && .venv/bin/ruff format . ../examples ../bench ../scripts ../frontend/e2e && .venv/bin/ruff check --fix . ../examples ../bench ../scripts ../frontend/e2e
	scripts/front_end.sh run format

lint: $(PYTHON_READY) $(NODE_READY)
	cd backend && .venv/bin/ruff format --check . ../examples ../bench ../scripts ../frontend/e2e
	cd backend && .venv/bin/ruff check . ../examples ../bench ../scripts ../frontend/e2e
	cd backend && .venv/bin/lint-imports
	scripts/front_end.sh run lint

types: $(PYTHON_READY) $(NODE_READY)
	cd backend && .venv/bin/mypy
	scripts/front_end.sh run types

protocol: $(PYTHON_READY) ## Write protocol/ anew from the Python structs
	cd backend && .venv/bin/python -m scripts.write_protocol

bench: setup ## Measure, side by side with peers; the table goes to bench/results/
	@scripts/python_env.sh --group bench
	$(BIN)/python bench/run.py $(BENCH)

bench-ui: $(NODE_READY) ## Measure the log view and the Monitor in Chromium and, where there is one, Firefox
	@HEADWAY_CHROMIUM="$$(scripts/find_chromium.sh)" && export HEADWAY_CHROMIUM && scripts/front_end.sh run --silent bench -- $(BENCH)

screens: setup ## Take the pictures of docs/screens anew, of the examples on real input
	@HEADWAY_CHROMIUM="$$(scripts/find_chromium.sh)" && export HEADWAY_CHROMIUM && HEADWAY_SCREENS=1 scripts/front_end.sh run e2e -- e2e/screens.spec.ts
	@$(BIN)/python scripts/small_png.py docs/screens/*.png

chaos: setup ## Kill, cut, freeze and restore at random for long, with 50 viewers (N=20 rounds, SEED=… repeats a run)
	cd backend && HEADWAY_CHAOS_ROUNDS=$${N:-20} HEADWAY_CHAOS_SEED=$${SEED:-} .venv/bin/python -m pytest -q -s tests/chaos

mutations: $(PYTHON_READY) $(NODE_READY) ## Take the checks away that exactly once rests on, one by one: a named test must fail
	cd backend && .venv/bin/python -m scripts.mutations $(ONLY)

wheel: setup ## Build backend/dist/*.whl with the interface inside
	cd backend && rm -rf dist && (uv build --wheel --quiet 2>/dev/null || ../.cache/tools/bin/uv build --wheel --quiet) && ls dist

clean: ## Remove environments, builds and caches
	rm -rf $(VENV) .node .cache frontend/node_modules backend/src/headway/static backend/dist bench/build
