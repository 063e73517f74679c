"""README, `make` and refusals name the same packages; what is missing is said in one line, before installing."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from lmul.sim import needs, runner, tools

ROOT = Path(__file__).parent.parent
#: What every machine has, and make.
BASE = ("sh", "make", "echo", "touch", "env")


def test_readme_names_the_same_packages():
    [line] = re.findall(r"^    # apt-get install (.*)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)
    bookworm = {needs.LIBPYTHON: "libpython3.11"}
    assert line.split() == [bookworm.get(package, package) for package, *_ in needs.TO_INSTALL + needs.TO_SIMULATE]


def test_the_oldest_python_is_the_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">={}.{}".format(*needs.PYTHON)
    assert "3.11 or newer" in (ROOT / "README.md").read_text(encoding="utf-8")
    ast.parse(Path(needs.__file__).read_text(encoding="utf-8"), feature_version=(3, 4))  # so that old ones can say so


@pytest.fixture
def machine(tmp_path):
    """A checkout on a machine with little: ``machine(programs, python)`` gives make's status and what it says."""
    folder, programs = tmp_path / "checkout", tmp_path / "bin"
    (folder / "sim").mkdir(parents=True)
    programs.mkdir()
    for name in ("Makefile", "pyproject.toml", "sim/needs.py"):
        shutil.copy(ROOT / name, folder / name)

    def run(*names, python=None):
        for name in (*BASE, *names):
            (programs / name).symlink_to(shutil.which(name))
        if python:
            (programs / "python3").write_text(f"#!/bin/sh\nexec {sys.executable} -c '{python}'\n")
            (programs / "python3").chmod(0o755)
        done = subprocess.run(["make", "test"], cwd=folder, env={"PATH": str(programs)}, capture_output=True, text=True)
        assert not (folder / ".venv").exists()
        return done.returncode, done.stdout + done.stderr

    return run


def _needs(change):
    """Python that runs sim/needs.py after some change to what it finds."""
    return (f"import runpy, sys, importlib.util, ctypes; {change}; "
            "runpy.run_path(\"sim/needs.py\", run_name=\"__main__\")")


@pytest.mark.parametrize(("programs", "python", "said"), [
    ((), None, "lmul: python3 must be installed, but cannot be found (Debian: apt-get install python3 python3-venv)"),
    ((), _needs("0"), "(Debian: apt-get install g++ perl)"),
    (("perl",), _needs("0"),
     "lmul: a C++ compiler (c++) must be installed, but cannot be found (Debian: apt-get install g++)"),
    (("perl", "c++"), _needs("sys.version_info = (3, 9, 2)"),
     "lmul: Python 3.11 or newer must be installed, but cannot be found (Debian: apt-get install python3); this is "
     "Python 3.9 of "),
    (("perl", "c++"), _needs("importlib.util.find_spec = print"), "(Debian: apt-get install python3-venv)"),
    (("perl", "c++"), _needs("import sysconfig; sysconfig.get_config_var = print; ctypes.CDLL = open; "
                             "sys.modules[\"find_libpython\"] = None"),
     f"(Debian: apt-get install {needs.LIBPYTHON})"),
])
def test_make_says_what_is_missing_before_it_installs(machine, programs, python, said):
    status, text = machine(*programs, python=python)
    lines = [line for line in text.splitlines() if line.startswith("lmul: ")]
    assert status and len(lines) == 1, text
    assert said in lines[0]


def test_a_perl_without_modules_is_not_enough(monkeypatch, tmp_path):
    """Debian's perl-base."""
    (tmp_path / "perl").write_text("#!/bin/sh\nexit 2\n")
    (tmp_path / "perl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert needs.missing(needs.TO_SIMULATE).endswith("(Debian: apt-get install perl)")


@pytest.mark.parametrize("simulator", tools.SIMULATORS)
def test_a_python_without_its_library_is_refused(monkeypatch, simulator):
    monkeypatch.setattr("find_libpython.find_libpython", lambda: None)
    with pytest.raises(ValueError, match=rf"^Python's shared library, .* install {needs.LIBPYTHON}\)$"):
        tools.find(simulator)


def test_verilators_makefiles_find_python(monkeypatch):
    """They call `python`, which Debian has not; the environment has."""
    monkeypatch.setenv("PATH", "/nowhere")
    path = runner._settings(tools.Tool("verilator", "5.48", ROOT), False)["PATH"]
    assert shutil.which("python", path=path)


@pytest.mark.regress
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("debootstrap"), reason="needs root and debootstrap")
def test_the_readme_in_a_bare_debian():
    subprocess.run([ROOT / "tests" / "fresh.sh"], check=True)
