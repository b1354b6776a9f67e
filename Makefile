# Each target sets up what it needs on a fresh machine with git, make, python3 and venv.
PYTHON ?= python3
WORKERS ?= 2
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TORCH  := $(VENV)/.torch
TRITON := .triton

.PHONY: demo test check soak bench campaigns format clean help triton

help:
	@echo "make demo   run the main job: one model, two machines, adapting"
	@echo "make test   run the tests"
	@echo "make triton  install NVIDIA Triton for its tests and experiment (test, soak and bench do)"
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

# NVIDIA Triton, as nvidia-pytriton ships it, in a venv of its own: its Python backend wants an older
# numpy, and of pytriton the server alone is needed, not what that depends on. Where there is none
# for this machine, what needs it is skipped, and says so.
triton:
	@test -e $(TRITON)/.ready -a $(TRITON)/.ready -nt constraints-triton.txt || { \
	    rm -rf $(TRITON) && $(PYTHON) -m venv $(TRITON) && \
	    $(TRITON)/bin/python -m pip install --quiet --disable-pip-version-check \
	        --constraint constraints-triton.txt numpy onnxruntime && \
	    $(TRITON)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	        --constraint constraints-triton.txt nvidia-pytriton && \
	    touch $(TRITON)/.ready; \
	} || { rm -rf $(TRITON); echo "no Triton for this machine: its tests and experiment are skipped"; }

demo: $(READY)
	$(BIN)/cutpoint demo

# Side by side what needs no quiet machine, then one by one what judges by the clock; both are told.
test: $(READY) triton
	@status=0; \
	$(BIN)/python -m pytest -m 'not soak and not alone' -n $(WORKERS) --dist worksteal || status=1; \
	$(BIN)/python -m pytest -m 'alone and not soak' || status=1; \
	exit $$status

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

soak: $(TORCH) triton
	$(BIN)/python -m pytest -m soak --timeout=1800 --log-cli-level=INFO

bench: $(READY) triton
	$(BIN)/python docs/make_reports.py

# The campaigns whose reports are of right and wrong, not of time.
campaigns: $(READY)
	$(BIN)/python docs/make_plans.py
	$(BIN)/python docs/make_backend.py
	$(BIN)/python docs/make_faults.py

clean:
	rm -rf $(VENV) $(TRITON) demo-report bench-report
