"""One text per design: names are given where hardware is described, so no Python's bytecode is asked for them."""

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import amaranth
import pytest
from amaranth import tracer
from amaranth.hdl import ClockDomain, Fragment, Module, Signal
from amaranth.lib import wiring
from lmul.golden import families
from lmul.hdl import yosys
from lmul.hdl.addend import Addend
from lmul.hdl.designs import catalogue, parse
from lmul.hdl.fixed import Window
from lmul.hdl.part import Modules
from lmul.hdl.verilog import component
from lmul.prove.exact_sums import Placed
from lmul.prove.float_sums import CodeAdder

ROOT = Path(__file__).parent.parent

#: Designs of kinds that the catalogue has no example of.
MORE = ["mul_lmul_fp16_sub_ieee", "mul_exact_e4m3_ieee", "mac_lmul_e4m3_fp16", "mac_exact_e2m1_fixed16",
        "dot_lmul_bf16_fp32_3_w24", "dot_exact_e5m2_fp16_3_tree", "dot_lmul_e4m3_bf16_2_tree",
        "array_exact_e2m1_fixed64_1x1_os", "array_lmul_e4m3_carrysave_1x3_ws", "matmul_int8_int32_3x2_os"]

#: One of each kind, small.
FEW = ["mul_lmul_e4m3_sub", "mul_exact_fp16", "prod_exact_bf16xe4m3", "mac_lmul_e4m3_fp16", "mac_exact_e2m1_carrysave",
       "dot_exact_e2m1_fp16_3", "dot_lmul_e2m1_fp16_3_tree", "dot_int8_int32_3", "array_lmul_e2m1_fixed64_2x2_os",
       "matmul_exact_e2m1_fp16_2x3_ws"]


class Elaborated(Modules):
    """Every distinct part, elaborated once and not converted."""

    def _convert(self, component, name):
        outer, self.current = self.current, component
        Fragment.get(component, self)
        self.current = outer
        return name, False, False


class Together(wiring.Component):
    """Components that are made and elaborated side by side."""

    def __init__(self, makers):
        self.makers = makers
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        for name, make in self.makers.items():
            m.submodules[name] = make()
        return m


UNTOLD = "memory_that_nobody_named"


@pytest.fixture
def untraced(monkeypatch):
    """Has whoever makes Amaranth look for a name fail, by file and line."""
    inside = str(Path(amaranth.__file__).parent)

    def refuse(*arguments, **options):
        frame = sys._getframe(1)
        if frame.f_code.co_qualname.startswith("MemoryData."):  # cannot be told its name until it has looked for one
            return UNTOLD
        while frame.f_code.co_filename.startswith(inside):
            frame = frame.f_back
        raise AssertionError(f"{frame.f_code.co_filename}:{frame.f_lineno} gives no name")

    monkeypatch.setattr(tracer, "get_var_name", refuse)


def one_of_each():
    """The catalogue's first design of each structure and family, and `MORE`."""
    first = {}
    for slug in catalogue():
        design = parse(slug)
        first.setdefault((design.structure, design.multiplier.kind), slug)
    return [*first.values(), *MORE]


@pytest.mark.parametrize("slugs", [one_of_each, pytest.param(lambda: [*catalogue(), *MORE], id="all",
                                                             marks=pytest.mark.regress)])
def test_names_are_given(slugs, untraced):
    designs = {slug: lambda slug=slug: component(parse(slug)) for slug in slugs()}
    found = Elaborated(Together(designs), "all")
    assert len(found._parts) > len(designs) and UNTOLD not in found.rtlil


def test_names_are_given_where_proofs_build_hardware(untraced):
    addend = Addend.product(families.parse(["lmul", "e4m3"])[0])
    makers = {"code": lambda: CodeAdder(parse("mac_lmul_e4m3_fp16").accumulator.fmt),
              "placed": lambda: Placed(Window(addend, 16))}
    Elaborated(Together(makers), "all")


@pytest.mark.parametrize("make", [Signal, lambda: Signal.like(Signal(name="other")), ClockDomain,
                                  lambda: wiring.Signature({"a": wiring.Out(1)}).create()])
def test_a_name_that_is_not_given_is_found(make, untraced):
    with pytest.raises(AssertionError, match=r"test_hdl_names\.py:\d+ gives no name$"):
        make()


def pythons(version):
    """Commands of this version on PATH, those behind a switcher's stand-ins (`shims`) too."""
    for folder in map(Path, os.get_exec_path()):
        yield folder / f"python{version}"
        if folder.name == "shims":
            yield from sorted(folder.parent.glob(f"versions/*/bin/python{version}"))


def run(python, program, *arguments, **environment):
    return subprocess.run([python, "-c", program, *arguments], env=os.environ | environment, capture_output=True,
                          text=True, check=False)


def find(version):
    """A Python of this version that runs; a skip with what was found if there is none."""
    found = [path for path in pythons(version) if os.access(path, os.X_OK)]
    for path in found:
        if run(path, "import sys; print('{}.{}'.format(*sys.version_info))").stdout.strip() == version:
            return path
    pytest.skip(f"no Python {version} on PATH" + f" that runs, but {', '.join(map(str, found))}" * bool(found))


#: This Python gives what the others must.
OTHERS = [version for version in ("3.11", "3.12", "3.13", "3.14") if version != "{}.{}".format(*sys.version_info)]

#: Prints the digest of the Verilog of each slug. It needs Amaranth, which is pure Python, and nothing else of what this
#: environment has compiled for its own Python.
DIGESTS = """
import hashlib, sys
from lmul.hdl.designs import parse
from lmul.hdl.verilog import component, convert
for slug, text in convert({slug: component(parse(slug)) for slug in sys.argv[1:]}).items():
    print(slug, hashlib.sha256(text.encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def digests(tmp_path_factory):
    """(Python, slugs) -> digests of the Verilog, the packages being those of this environment."""
    packages = tmp_path_factory.mktemp("packages")
    (packages / "lmul").mkdir()
    for room in ("golden", "hdl"):
        (packages / "lmul" / room).symlink_to(ROOT / room)
    # The parameter objects that RTL is made from compute nothing with numpy, which is compiled for one Python only.
    (packages / "numpy.py").write_text("def __getattr__(name): return type(name, (), {})\n")
    path = os.pathsep.join(map(str, (packages, sysconfig.get_path("purelib"))))

    def digests(python, slugs):
        done = run(python, DIGESTS, *slugs, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1",
                   YOSYS=shlex.join(yosys.yosys()[0]))
        assert done.returncode == 0, done.stderr
        lines = dict(line.split() for line in done.stdout.splitlines())
        assert list(lines) == list(slugs)
        return lines

    return digests


@pytest.fixture(scope="module")
def few(digests):
    return digests(sys.executable, FEW)


@pytest.mark.parametrize("version", OTHERS)
def test_every_python_gives_the_same_text(version, few, digests):
    assert digests(find(version), FEW) == few


@pytest.mark.regress
@pytest.mark.parametrize("version", OTHERS)
def test_every_python_gives_the_same_text_of_every_design(version, digests):
    python = find(version)
    assert digests(python, catalogue() + MORE) == digests(sys.executable, catalogue() + MORE)
