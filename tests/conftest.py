"""One seed for every random test, printed with any failure and taken with ``--seed``; and runs that can be resumed."""

import functools
import hashlib
import json
import os
import signal
from pathlib import Path

import pytest
from lmul.golden.refusal import Refusal
from lmul.sim import tools


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, default=20241008, help="seed of every random test")
    parser.addoption("--waves", action="store_true", help="record waveforms in cocotb runs")
    parser.addoption("--resume", type=Path, metavar="FILE", help="leave out what passed in an earlier run of the same "
                     "sources and seed that did not end well, as FILE remembers; a run that ends well removes it")


def pytest_configure(config):
    # A suite that a shell began in the background ignores ctrl-C, and so would the programs that its tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Simulations in folders of their own need not compile Verilator's run-time library once more each.
    os.environ.setdefault("LMUL_OBJCACHE", str(config.rootpath / "build" / "tests" / ".objects"))
    # Where the environment wants no bytecode beside sources, hundreds of processes would compile ours anew.
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = str(config.rootpath / "build" / "tests" / ".bytecode")
    os.environ["LMUL_CACHE"] = "none"  # every figure that a test sees was measured by it
    if config.getoption("--resume"):
        config.pluginmanager.register(Resumed(config), "resumed")


class Resumed:
    """Tests that passed, a line of JSON each, under a first line that says with which sources and seed."""

    def __init__(self, config):
        self.path = config.rootpath / config.getoption("--resume")
        self.writes = not hasattr(config, "workerinput")  # of the processes of one run, one
        sources = sorted(path for pattern in ("*/**/*.py", "*/data/*", "*/scripts/*", "pyproject.toml")
                         for path in config.rootpath.glob(pattern) if path.is_file() and path.parts[-2] != "__pycache__"
                         and not path.relative_to(config.rootpath).parts[0].startswith((".", "build")))
        digest = hashlib.sha256(str(config.getoption("--seed")).encode())
        for path in sources:
            digest.update(path.read_bytes())
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        same = lines[:1] == [json.dumps(digest.hexdigest())]
        self.passed = {json.loads(line) for line in lines[1:]} if same else set()
        if self.writes and not same:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(digest.hexdigest()) + "\n", encoding="utf-8")

    def pytest_report_header(self):
        return f"resumed: {len(self.passed)} tests passed in earlier runs" if self.passed else None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config, items):
        again = [item for item in items if item.nodeid not in self.passed]
        if again:  # else all passed and yet the run did not end well: begin anew
            config.hook.pytest_deselected(items=[item for item in items if item.nodeid in self.passed])
            items[:] = again

    def pytest_runtest_logreport(self, report):
        if self.writes and report.when == "call" and report.passed:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(report.nodeid) + "\n")

    def pytest_sessionfinish(self, exitstatus):
        if self.writes and exitstatus == pytest.ExitCode.OK:
            self.path.unlink(missing_ok=True)


def pytest_report_header(config):
    return f"seed: {config.getoption('--seed')} (repeat or change with --seed N)"


def pytest_runtest_setup(item):
    """Tests of Icarus, which no Python package has, are left out without it: those marked so or given its name."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    if item.get_closest_marker("icarus") or any(isinstance(each, str) and each == "icarus" for each in parameters):
        why = _without_icarus()
        if why:
            pytest.skip(why)


@functools.cache
def _without_icarus():
    try:
        tools.icarus()
    except Refusal as refusal:
        return str(refusal)


def pytest_runtest_makereport(item, call):
    if call.excinfo is not None:
        item.add_report_section(call.when, "seed", f"--seed {item.config.getoption('--seed')}")


def pytest_terminal_summary(terminalreporter):
    """What tests measured and called ``score``, from all workers."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    for line in sorted({value for report in reports for name, value in getattr(report, "user_properties", ())
                        if name == "score"}):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def seed(request):
    return request.config.getoption("--seed")


@pytest.fixture(scope="session")
def waves(request):
    return request.config.getoption("--waves")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Folder of the tables of libraries that this test alone has read; what Yosys is compiled to is shared, a minute
    each time otherwise."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    monkeypatch.setenv("YOWASP_CACHE_DIR", os.environ.get("YOWASP_CACHE_DIR") or str(cache / "YoWASP"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "lmul" / "liberty"


@pytest.fixture(scope="session")
def sim_folder(request):
    """Where simulations are built: kept from run to run and shared by the workers, which `lmul.sim.runner` sees to."""
    return request.config.rootpath / "build" / "tests"


@pytest.fixture(scope="session")
def minilm():
    """all-MiniLM-L6-v2; without the extra `models`, a skip that says how to install it."""
    from lmul.models.minilm import MiniLM

    return _installed(MiniLM)


@pytest.fixture(scope="session")
def smollm2():
    """SmolLM2; without the extra `models`, a skip that says how to install it."""
    from lmul.models.smollm2 import SmolLM2

    return _installed(SmolLM2)


def _installed(network):
    try:
        return network()
    except ValueError as error:
        pytest.skip(str(error))
