# `make demo` and `make test` set up all they need; see README.md.
VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
SETUP  := pyproject.toml constraints.txt

.PHONY: install install-dev demo test bench lint clean

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

demo: install
	$(BIN)/study launch search_spaces/demo_mnist.yaml

test: install-dev
	$(BIN)/pytest -n 2 -m "not ray and not cluster and not chaos and not slow and not browser"
	$(BIN)/pytest -n 2 --dist loadfile -m "ray and not cluster and not chaos and not slow and not browser"

bench: install-dev $(VENV)/.installed-bench
	$(BIN)/python -m tests.benchmarks

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(BIN)/uv:
	@echo "Setting up $(VENV): 3.3 GB to download (PyTorch as PyPI has it, CUDA included), 6.6 GB on disk."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt uv

$(VENV)/.installed: $(SETUP) | $(BIN)/uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(SETUP) | $(BIN)/uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable ".[dev,quality]"
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: $(SETUP) | $(BIN)/uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable ".[bench]"
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info
