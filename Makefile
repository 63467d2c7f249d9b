# What people call: demo, test, setup, check, bench, soak. Setup is incremental: a second run takes seconds.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
ZHITONG := .venv/bin/zhitong
ARGS ?=
# Where it is forbidden, each of the hundred processes that the tests start would compile every source anew.
unexport PYTHONDONTWRITEBYTECODE
# Tests that place real calls keep time: they run first and alone, the others two at a time. (Beside each other, even with
# the others at nice 19, sound is torn now and then.)
CALLS := tests/scenarios tests/telephony/actions $(addprefix tests/telephony/asterisk/test_,calls.py desks.py overflow.py) \
	tests/telephony/ami/test_asterisk.py tests/telephony/records/test_forged_rows.py \
	$(addprefix tests/api/router/test_,advice.py callback.py overflow.py records_in_a_gap.py) \
	tests/api/console/test_bar_in_browser.py

.PHONY: demo test setup setup-run check bench soak lock clean
.DEFAULT_GOAL := demo

.venv/.ready: requirements/dev.txt pyproject.toml .ci/venv
	@bash .ci/venv "$(PYTHON)"

setup-run: .venv/.ready
	@.venv/bin/python -m api.setup run

setup: .venv/.ready
	@.venv/bin/python -m api.setup run test

demo: setup-run
	@$(ZHITONG) demo $(ARGS)

test: setup
	@.venv/bin/python -m pytest $(CALLS) $(ARGS)
	@.venv/bin/python -m pytest -n 2 --dist loadfile tests $(CALLS:%=--ignore=%) $(ARGS)

check: .venv/.ready
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: setup
	@.venv/bin/python -m tests.benchmarks $(ARGS)

soak: setup
	@.venv/bin/python -m pytest -m soak --timeout=7200 $(ARGS)

# New versions into requirements/*.txt (pyproject.toml says what, these say exactly which).
lock: .venv/.ready
	@for part in main dev mic train; do bash .ci/lock $$part; done

clean:
	rm -rf .venv .tools var .mypy_cache .ruff_cache .hypothesis
