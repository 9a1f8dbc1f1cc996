# Everything below works from any directory, a second time, and offline once installed.
ROOT := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
VENV := $(ROOT).venv
BIN := $(VENV)/bin
PYTHON ?= python3
SOURCES := sweeper tests benchmarks dashboards docs

.PHONY: help install demo test speed soak gpu lint format lock clean
help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

install: $(VENV)/.installed  ## make .venv and install the pinned dependencies into it

$(VENV)/.installed: $(ROOT)requirements.lock $(ROOT)pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r $(ROOT)requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e $(ROOT)
	@touch $@

demo: install  ## the digits sweep, start to finish: about a minute on two cores
	$(ROOT)search_spaces/demo.sh

test: install  ## all tests: quick ones in two workers, then those with Ray beside those with servers
	cd $(ROOT) && $(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term --durations=20 \
	    tests/unit tests/contracts tests/docs tests/lint
	$(ROOT)tests/integration/side_by_side.sh

speed: install  ## what is held in seconds, on a quiet machine: a unit test takes one, `--help` half of one
	cd $(ROOT) && $(BIN)/python -m pytest --speed tests/unit
	cd $(ROOT) && $(BIN)/python -m pytest --speed -m speed tests/integration

soak: install  ## twenty minutes of killing a sweep's driver at random moments; the seed is printed
	$(ROOT)tests/chaos/soak.sh

gpu: install  ## tests and figures of this machine's GPU, written to docs/gpu.md; refuses without one
	cd $(ROOT) && $(BIN)/python benchmarks/gpu.py

lint: install  ## formatting, spelling, names, layers, types, sizes
	cd $(ROOT) && $(BIN)/ruff check $(SOURCES)
	cd $(ROOT) && $(BIN)/ruff format --check $(SOURCES)
	cd $(ROOT) && $(BIN)/codespell $(SOURCES) cluster search_spaces *.md *.toml Makefile
	cd $(ROOT) && $(BIN)/lint-imports
	cd $(ROOT) && $(BIN)/pyright
	cd $(ROOT) && $(BIN)/python -m pytest -q tests/lint

format: install  ## let ruff rewrite what it can
	cd $(ROOT) && $(BIN)/ruff check --fix $(SOURCES)
	cd $(ROOT) && $(BIN)/ruff format $(SOURCES)

lock: install  ## pin every dependency anew, with hashes and without index addresses
	cd $(ROOT) && $(BIN)/uv pip compile --quiet pyproject.toml --group test --group lint --group bench \
	    --all-extras --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	    --upgrade -o requirements.lock

clean:  ## remove the environment and what the tools left
	rm -rf $(VENV) $(ROOT).pytest_cache $(ROOT).ruff_cache
