# Foley Bridge: the commands a newcomer, a developer and CI need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
VIDEO ?=
PROMPT ?=
OUT ?= demo

.PHONY: demo test check bench lint clean

demo: $(VENV)/.runtime
	$(BIN)/foley-bridge demo $(if $(VIDEO),--video "$(VIDEO)") $(if $(PROMPT),--prompt "$(PROMPT)") --out "$(OUT)"

# Most tests of the daemon and of the simulated REAPER wait more than they work, so two run side by side; those of the
# exporter work with every core.
test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --ignore tests/onnx_export
	$(BIN)/python -m pytest -q tests/onnx_export

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

check: lint test

bench: $(VENV)/.dev
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench_day
	$(BIN)/python -m tests.bench_syncfusion
	$(BIN)/python -m tests.bench_solver

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Foley Bridge needs Python 3.10 to 3.13; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.runtime: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet -e .
	touch $@

# torch first and exactly so: only the exporter and its tests need it, the daemon never does. data-science-types comes
# with the SyncFusion authors' packages and would replace numpy's own types by poorer ones. laion-clap's own wishes (old
# numpy, a logging service) are those of its training; its nets, beside which ours are tested, need none of them.
$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet -e ".[dev,export,evaluate,parity]"
	$(BIN)/python -m pip install --quiet --no-deps "laion-clap==1.1.7" "torchlibrosa==0.1.0"
	$(BIN)/python -m pip uninstall --quiet --yes data-science-types
	touch $@ $(VENV)/.runtime

clean:
	rm -rf $(VENV) .pytest_cache .hypothesis .ruff_cache build dist
