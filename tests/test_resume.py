"""``--resume``: a run that was stopped goes on where it was, one of other sources or another seed begins anew."""

import shutil
import subprocess
import sys
from pathlib import Path

TESTS = """
import os, pytest
@pytest.mark.parametrize("n", range(4))
def test_it(n):
    assert n != 2 or "WELL" in os.environ
"""


def test_a_run_goes_on_where_it_was(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\ntestpaths = ["tests"]\n')
    (tmp_path / "tests").mkdir()
    shutil.copy(Path(__file__).parent / "conftest.py", tmp_path / "tests")
    (tmp_path / "tests" / "test_it.py").write_text(TESTS)

    def run(*options):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
        done = subprocess.run([*command, "--resume=kept/run.jsonl", *options], cwd=tmp_path, capture_output=True,
                              text=True, check=False)
        assert done.stdout, done.stderr
        return done.returncode, done.stdout.splitlines()[-1].rpartition(" in ")[0]

    assert run() == (1, "1 failed, 3 passed")
    assert run() == (1, "1 failed, 3 deselected")
    (tmp_path / "tests" / "test_it.py").write_text(TESTS + "\n")
    assert run("--seed", "3") == (1, "1 failed, 3 passed")
    monkeypatch.setenv("WELL", "1")
    assert run("--seed", "3") == (0, "1 passed, 3 deselected")
    assert not (tmp_path / "kept" / "run.jsonl").exists()
    assert run("--seed", "3") == (0, "4 passed")
