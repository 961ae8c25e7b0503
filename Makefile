# Everything works in a fresh clone: what needs the virtual environment makes it.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first Python that is new enough; `make PYTHON=/path/to/python3.12` chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
STAMP := .venv/.installed
FLEET ?= 5
SIMULATORS ?= 1
PORT ?= 8000
# Tests with real processes mostly wait, so more of them than cores run at once; each has servers of its own.
PROCESSES ?= 3
TIMES ?= 20

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with everything in it

$(STAMP): pyproject.toml constraints.txt .ci/requirements.py
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found: install it, or say make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "making .venv with $$($(PYTHON) --version) (a minute or two the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python .ci/requirements.py dev > .venv/requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r .venv/requirements.txt -c constraints.txt
	@touch $(STAMP)

demo: $(STAMP) ## run the whole lab; FLEET=1000 SIMULATORS=2 PORT=8000 ARGS='…'
	@exec $(BIN)/python manage.py lab --port $(PORT) --fleet $(FLEET) --simulators $(SIMULATORS) $(ARGS)

test: $(STAMP) ## run all tests; ARGS='tests/unit -k boot' runs some, PROCESSES=0 runs them one after the other
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile $(ARGS)

chaos: $(STAMP) ## kill, freeze and starve everything, TIMES=20 times with other seeds; ARGS='-k frozen'
	@$(BIN)/python -m tests.chaos.repeat --times $(TIMES) --processes $(PROCESSES) $(ARGS)

bench: $(STAMP) ## measure this machine beside its bare limit, 25 minutes; ARGS=--quick takes 4, ARGS='--only jobs' one part
	@$(BIN)/python -m bench.run $(ARGS)

lint: $(STAMP) ## style, formatting, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

format: $(STAMP) ## put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(STAMP) ## mypy, strict
	@$(BIN)/mypy

schema: $(STAMP) ## write docs/openapi.yaml from the code
	@$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

check: ## all that CI does
	@.ci/run

.PHONY: help setup demo test chaos bench lint format types schema check
