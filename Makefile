# Foley Bridge: the commands a newcomer, a developer and CI need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
VIDEO ?=
PROMPT ?=
OUT ?= demo
UPGRADE ?= --upgrade

.PHONY: demo test check bench faults coverage lint lock licences wheel clean

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
	$(BIN)/python -m tests.bench_reaper_time
	$(BIN)/python -m tests.bench_doors

# What breaks at which step of a job, and how it ends: the whole table. The short version is in the tests.
faults: $(VENV)/.dev
	$(BIN)/python -m tests.faults

# Lines and branches that the daemon's tests reach, in every process that they start. Below nine in ten it fails. What is
# measured writes files of its own and ends by its own rules, so two files of tests are left out.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --ignore tests/onnx_export --cov=bridge --cov-report= \
		--deselect tests/test_story_untouched.py --deselect tests/bridge/test_stopping.py
	$(BIN)/coverage report --fail-under 90
	$(BIN)/coverage report --include "bridge/host/*,bridge/jobs/*,bridge/osc/*,bridge/packs/*"

$(VENV)/.tools: locks/build.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Foley Bridge needs Python 3.10 to 3.13; name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r locks/build.txt
	touch $@

# Exactly what the lock says, byte for byte; a file of another SHA-256 is refused.
$(VENV)/.runtime: $(VENV)/.tools pyproject.toml locks/runtime.txt
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r locks/runtime.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# torch first and exactly so: only the exporter and its tests need it, the daemon never does. Its build is the index's to
# choose (CUDA or not), so it has no hash. laion-clap's own wishes (old numpy, a logging service) are those of its
# training; its nets, beside which ours are tested, need none of them.
$(VENV)/.dev: $(VENV)/.tools pyproject.toml locks/dev.txt locks/clap.txt
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r locks/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r locks/clap.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/.runtime

# The newest versions that fit pyproject.toml, for every Python and system at once. What CUDA builds of torch bring is
# torch's own; data-science-types comes with the SyncFusion authors' packages and would replace numpy's own types by
# poorer ones. `make lock UPGRADE=` keeps what is locked and only adds. Afterwards: make licences, make check, and a look
# at what changed.
LOCK := $(VENV)-lock/bin/uv pip compile --universal --python-version 3.10 --generate-hashes --no-header --quiet $(UPGRADE)
TORCHS := torch triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-,cublas cuda-cupti cuda-nvrtc \
	cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 nvjitlink nvshmem-cu13 nvtx)
lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --upgrade pip uv
	$(LOCK) --group build --output-file locks/build.txt
	$(LOCK) pyproject.toml --output-file locks/runtime.txt
	echo torch==2.13.0 | $(LOCK) pyproject.toml --no-config --extra dev --extra export --extra evaluate --extra parity \
		--constraints - --constraints locks/runtime.txt --no-emit-package data-science-types \
		$(addprefix --no-emit-package ,$(TORCHS)) --output-file locks/dev.txt
	$(LOCK) --no-deps --group clap-nets --output-file locks/clap.txt

licences: $(VENV)/.dev
	$(BIN)/python -m tests.licences

wheel: $(VENV)/.tools
	$(BIN)/python -m tests.wheel

clean:
	rm -rf $(VENV) .coverage .coverage.* .pytest_cache .hypothesis .ruff_cache build dist
