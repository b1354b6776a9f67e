# Each target sets up what it needs on a fresh machine with git, make, python3 and venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TORCH  := $(VENV)/.torch

.PHONY: demo test check soak bench campaigns format clean help

help:
	@echo "make demo   run the main job: one model, two machines, adapting"
	@echo "make test   run the tests"
	@echo "make check  formatter, linter, strict types, import rules, spelling"
	@echo "make soak   the long campaigns (every cut of every zoo model and PyTorch export, faults, hostile requests, memory)"
	@echo "make bench  every experiment, and the measured tables of the README (docs/reports/), 80 minutes"
	@echo "make campaigns  the reports on plans, the ONNX backend suite and faults"

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --constraint constraints.txt --editable '.[cpu,plan,lab,server,codecs,dev]'
	touch $(READY)

# Hundreds of megabytes that only the long campaigns need: they export nets of PyTorch.
$(TORCH): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --constraint constraints.txt --editable '.[torch]'
	touch $(TORCH)

demo: $(READY)
	$(BIN)/cutpoint demo

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff format --check src tests docs
	$(BIN)/ruff check src tests docs
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell src tests docs README.md CHANGELOG.md CONTRIBUTING.md
	$(BIN)/python tests/sizes.py

format: $(READY)
	$(BIN)/ruff format src tests docs
	$(BIN)/ruff check --fix src tests docs

soak: $(TORCH)
	$(BIN)/python -m pytest -m soak --timeout=1800 --log-cli-level=INFO

bench: $(READY)
	$(BIN)/python docs/make_reports.py

# The campaigns whose reports are of right and wrong, not of time.
campaigns: $(READY)
	$(BIN)/python docs/make_plans.py
	$(BIN)/python docs/make_backend.py
	$(BIN)/python docs/make_faults.py

clean:
	rm -rf $(VENV) demo-report bench-report
