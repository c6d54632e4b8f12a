# movement-reports: `make run`, `make test`, `make check`, `make bench`. Everything lives in .venv and home/.
SHELL := /bin/bash
PYTHON ?= python3
# Whole test files side by side; 0: one after another in one process.
TEST_WORKERS ?= 2
VENV := .venv
BIN := $(VENV)/bin
# The image may switch bytecode off; every process would then recompile Airflow and Great Expectations (seconds each).
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install run run-once test check bench lock docs clean

install: $(VENV)/.installed

# uv is used where it is on the PATH (seconds); pip does the same from the same hashes (minutes).
$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "== installing into $(VENV) from requirements.lock"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (PYTHON=...)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if command -v uv >/dev/null; then \
	  uv pip install -q --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock; \
	else $(BIN)/python -m pip install -q --progress-bar on --require-hashes -r requirements.lock; fi
	@if command -v uv >/dev/null; then uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else $(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .; fi
	@touch $@

# What pre-commit and CI run first.
check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/test_house.py

# Installs everything, then passes every test; those on the real Airflow scheduler alone, because they wait for its clock.
test: install
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile -m "not airflow"
	$(BIN)/python -m pytest -m airflow

# One period of the sample province on real Airflow; `run` keeps serving until Ctrl-C, `run-once` stops when done.
run: install
	$(BIN)/python -m tools.run_province --stay

run-once: install
	$(BIN)/python -m tools.run_province

bench: install
	$(BIN)/python -m benchmarks.run

docs: install
	$(BIN)/python -m tools.write_docs

clean:
	-$(BIN)/movement-reports server stop
	rm -rf home build .mypy_cache .ruff_cache .pytest_cache

lock:
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
