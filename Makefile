# Each target sets up what it needs. `make help` lists them.
#   make site PYTHON=python3.12     makes the environment with that Python
#   make site VENV=none             uses the Python that is active as it is (in conda, say)

PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python,\
	$(if $(shell $(p) -c "import sys; print((3,11) <= sys.version_info[:2] <= (3,13) or '')" 2>&1 | grep -x True),$(p))) python3)
PYTHON := $(PYTHON)
VENV ?= .venv

ifeq ($(VENV),none)
RUN := $(PYTHON)
else ifeq ($(OS),Windows_NT)
RUN := $(VENV)/Scripts/python.exe
else
RUN := $(VENV)/bin/python
endif

.PHONY: help setup site test preview bench newest check clean

help:            ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  \1: /p' Makefile

setup:           ## install the packages into .venv, as requirements.lock has them
	@$(if $(filter none,$(VENV)),:,COURSE_VENV=$(VENV) $(PYTHON) -m course setup)

site: setup      ## execute what is stale, make the site, check it
	@$(RUN) -m course site

test: setup      ## run the tests
	@$(RUN) -m pytest -q $(PYTEST_ARGS)

preview: setup   ## serve the site on this machine, and follow edits
	@$(RUN) -m course preview

bench: setup     ## compare with a plain program and with other libraries
	@$(RUN) -m benchmarks

newest:          ## run the course with the newest packages, and list what drifted
	@COURSE_VENV=.venv-newest $(PYTHON) -m course setup --newest >&2
	@.venv-newest/bin/python -m course run --out runs/newest >&2
	@.venv-newest/bin/python -m course check runs/newest --drift

check: setup     ## format, lint, types
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy

clean:           ## remove what was generated; .venv stays, and so do files that the course did not make
	@$(PYTHON) -m course.clean
