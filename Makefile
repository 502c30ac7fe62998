# Everything a developer or a first-time user needs. Start with: make serve   or   make test
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEVELOP := $(VENV)/.develop-installed
SPARK := .venv-spark/.spark-installed

.PHONY: help env serve test models pages engines serving spark container image large lint bench oracle lock clean

help:  ## Show what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

serve: $(RUNTIME)  ## Serve the dashboard (SALES_HOST, SALES_PORT, SALES_DATABASE_URL)
	@exec $(BIN)/sales-dashboard serve

test: $(DEVELOP)  ## Run the tests (browser tests too where Chromium is installed)
	@$(BIN)/python -m pytest $(ARGS)

models: $(DEVELOP)  ## Test the models: public data, known truth, leaks, jobs (some minutes)
	@SALES_TEST_SUITE=models $(BIN)/python -m pytest $(ARGS)

pages: $(DEVELOP)  ## Test the SQL page and the prediction pages in a browser (some minutes)
	@SALES_TEST_SUITE=pages $(BIN)/python -m pytest $(ARGS)

engines: $(DEVELOP)  ## Test database servers: PostgreSQL from Debian's packages, SQL Server where SALES_TEST_MSSQL_URL is set
	@SALES_TEST_SUITE=engines $(BIN)/python -m pytest $(ARGS)

serving: $(DEVELOP)  ## Test embedding, sign-in, limits, faults and metrics on real servers (some minutes)
	@SALES_TEST_SUITE=serving $(BIN)/python -m pytest $(ARGS)

spark: $(SPARK)  ## Test Spark in an environment of its own, .venv-spark (needs Java 17; some minutes)
	@SALES_TEST_SUITE=spark .venv-spark/bin/python -m pytest $(ARGS)

container: $(DEVELOP)  ## Build the image, run it, and test what is deployed (no Docker needed; some minutes)
	@SALES_TEST_SUITE=container $(BIN)/python -m pytest $(ARGS)

image:  ## Build the image from the Dockerfile: with Docker where it runs, else without
	@if docker info >/dev/null 2>&1; then docker build --tag sales-dashboard .; else .ci/build-image; fi

large: $(DEVELOP)  ## Run the suite on a company of five million order lines
	@SALES_TEST_LARGE=1 $(BIN)/python -m pytest tests/test_large_company.py $(ARGS)

lint: $(DEVELOP)  ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(DEVELOP)  ## Measure speed and memory against peers in the same run
	@$(BIN)/python -m tests.benchmarks $(ARGS)

oracle: $(DEVELOP)  ## Models as a share of the best possible score on companies with known truth; fails on a leak
	@$(BIN)/python -m tests.benchmarks oracle $(ARGS)

env: $(DEVELOP)  ## Create .venv with everything for serving and testing

$(RUNTIME): requirements.lock pyproject.toml
	@bash .ci/make-venv "$(VENV)"
	@echo "Installing the locked requirements into $(VENV) (about a minute the first time) …"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python .ci/link-checkout
	@touch $@

$(DEVELOP): $(RUNTIME) requirements-dev.lock
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

$(SPARK): requirements-spark.lock requirements-dev.lock
	@bash .ci/make-venv .venv-spark
	@echo "Installing the locked requirements for Spark into .venv-spark (some minutes the first time) …"
	@.venv-spark/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@.venv-spark/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements-spark.lock
	@.venv-spark/bin/python .ci/link-checkout
	@touch $@

lock: $(DEVELOP)  ## Resolve the dependencies anew into the three lock files (hashes, no addresses)
	@$(BIN)/python -m venv $(VENV)/uv && $(VENV)/uv/bin/pip install --quiet uv
	@$(VENV)/uv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.12 --upgrade \
		--custom-compile-command "make lock" pyproject.toml -o requirements.lock
	@$(VENV)/uv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.12 \
		--custom-compile-command "make lock" --extra dev pyproject.toml -c requirements.lock -o requirements-dev.lock
	@echo hatchling | $(VENV)/uv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.12 \
		--custom-compile-command "make lock" --no-annotate - -c requirements-dev.lock -o requirements-build.lock
	@$(VENV)/uv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.12 \
		--custom-compile-command "make lock" --override .ci/spark-overrides.txt --extra spark pyproject.toml \
		-o requirements-spark.lock

clean:  ## Remove the environment and caches
	rm -rf $(VENV) .venv-spark .pytest_cache .mypy_cache .ruff_cache .hypothesis
