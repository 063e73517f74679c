"""Faults in golden's own source: do its tests find them? Each is tried in a process of its own, until a test fails.

The compiled loops (`kernels.py`) are left out: compiling each anew takes minutes, and a fault in them shows against the
RTL as well. Equivalent faults cannot be told by a machine here: survivors are printed, and few."""

import ast
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from broken_source import broken, faults

TESTS = Path(__file__).parent
#: Modules and the tests that are to find their faults.
WATCHED = {"products": ["golden_products"], "codec": ["golden_codec", "golden_products"],
           "spec": ["golden_products", "hdl_designs"], "formula": ["golden_offsets"], "offsets": ["golden_offsets"],
           "errors": ["golden_errors"], "stimulus": ["golden_stimulus"]}
SECONDS = 150  # a fault that makes a test hang counts as found


def source(module):
    return ast.parse((TESTS.parent / "golden" / f"{module}.py").read_text(encoding="utf-8"))


def is_found(module, number, seed):
    """Whether a test fails with this fault; None is no fault."""
    command = [sys.executable, "-m", "pytest", "-p", "broken_source", "-p", "no:cacheprovider", "-n", "0", "-x", "-q",
               "--seed", str(seed), *(TESTS / f"test_{name}.py" for name in WATCHED[module])]
    fault = {} if number is None else {"LMUL_BROKEN": f"lmul.golden.{module}:{number}"}
    environment = os.environ | fault | {"PYTHONPATH": str(TESTS)}
    try:
        done = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return True
    assert done.returncode in (0, 1, 2, 3, 4), done.stdout  # 4: the fault shows as soon as a test file is imported
    return done.returncode != 0


def score(module, count, seed, record_property):
    start, every = time.monotonic(), faults(source(module))
    tried = random.Random(f"{seed} {module}").sample(range(len(every)), min(count, len(every)))
    survivors = [every[number][2] for number in tried if not is_found(module, number, seed)]
    names = "".join(f"\n  survivor: {words}" for words in survivors)
    record_property("score", f"golden/{module}.py: {len(tried) - len(survivors)} of {len(tried)} faults found, of "
                             f"{len(every)} possible, {time.monotonic() - start:.0f} s{names}")
    return len(survivors) / len(tried)


def test_a_sample(seed, record_property):
    assert score("stimulus", 1, seed, record_property) <= 0.5


@pytest.mark.regress
@pytest.mark.parametrize("module", WATCHED)
def test_faults(module, seed, record_property):
    assert score(module, 10, seed, record_property) <= 0.3


@pytest.mark.parametrize("module", [pytest.param(module, marks=[pytest.mark.regress] * (module != "stimulus"))
                                    for module in WATCHED])
def test_every_fault_is_a_change(module):
    tree = source(module)
    whole = ast.dump(tree)
    found = faults(tree)
    assert len(found) > 15
    texts = [ast.dump(broken(tree, number)) for number in range(0, len(found), 7)]
    assert whole not in texts and len(set(texts)) == len(texts)


@pytest.mark.regress
@pytest.mark.parametrize("module", WATCHED)
def test_sound_source_is_not_faulted(module, seed):
    assert not is_found(module, None, seed)
