"""Headers and library for C: codecs against golden on every code, beats against what matrices are sent as, and the
driver against a simulated board."""

import ctypes
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from c_program import DATA, CBlock, c_format, compiled, decoded, encoded, library, needs_compiler, pointer
from lmul.boards import records
from lmul.boards.simulated import simulated, uart_installed
from lmul.cli.main import main
from lmul.golden.formats import block_format, format_named
from lmul.golden.formats.logs import _halfway, _thresholds
from lmul.golden.formats.scales import SCALES
from lmul.golden.matrix_product import modelled
from lmul.golden.tile_sums import Scales, place_for, top_for
from lmul.hdl import frames
from lmul.hdl.designs import parse
from lmul.sim.passes import operands

pytestmark = needs_compiler
needs_uart = pytest.mark.skipif(not uart_installed(), reason="cocotbext-uart must be installed: pip install it")

NARROW = ["e4m3", "e5m2", "e3m4", "e2m3", "e3m2", "e2m1", "e5m7", "l3f4", "l4f3", "l3f5", "l2f1", "l8f7",
          "int8", "int4", "int1", "uint8", "int16", "bf16", "fp16"]
WIDE = ["tf32", "fp32", "e8m20"]
FORMATS = [*map(format_named, [*NARROW, *WIDE]), *SCALES.values()]


@pytest.fixture(scope="module")
def codec(tmp_path_factory):
    return library(tmp_path_factory.mktemp("codec"))


def same(ours, right):
    """Bit by bit, but for what NaN has behind it."""
    ours, right = np.asarray(ours), np.asarray(right)
    kept = ~np.isnan(right)
    return np.array_equal(np.isnan(ours), ~kept) and np.array_equal(ours[kept].view(np.uint64),
                                                                   right[kept].view(np.uint64))


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_codes_to_numbers(fmt, codec, seed):
    """Of up to 16 bits every code; else corners and a million others."""
    rng = np.random.default_rng(seed)
    codes = (np.arange(1 << fmt.width) if fmt.width <= 16 else
             np.concatenate([fmt.corners(), rng.integers(1 << fmt.width, size=10**6)]))
    assert same(decoded(codec, fmt, codes), fmt.decode(codes.astype(np.uint32)))


def numbers(fmt, seed):
    """All fp16 and bf16 numbers; float32s and float64s of any bits; and what lies between two codes, or beside it."""
    rng = np.random.default_rng(seed)
    found = [format_named(name).decode(np.arange(1 << 16, dtype=np.uint16)) for name in ("fp16", "bf16")]
    with np.errstate(invalid="ignore"):  # of NaN that signals
        found.append(rng.integers(1 << 32, size=20000, dtype=np.uint32).view(np.float32).astype(np.float64))
    found.append(rng.integers(0, 1 << 64, size=20000, dtype=np.uint64, endpoint=False).view(np.float64))
    codes = np.arange(1 << min(fmt.width, 16), dtype=np.uint64) << max(fmt.width - 16, 0)
    own = np.unique(fmt.decode(codes.astype(np.uint32)))
    own = own[np.isfinite(own)]
    with np.errstate(over="ignore"):
        middle = own[:-1] / 2 + own[1:] / 2
    if fmt.logarithmic:
        limits = _thresholds(fmt, _halfway)
        middle = np.concatenate([limits, -limits])
    for some in (own, middle):
        found += [some, np.nextafter(some, np.inf), np.nextafter(some, -np.inf)]
    found = [np.where(np.isnan(some), np.nan, some) for some in found]  # none that signals
    return np.concatenate([*found, [0.0, -0.0, np.inf, -np.inf, -np.nan, 5e-324, 1.7e308, -1.7e308]])


@pytest.mark.parametrize("fmt", FORMATS, ids=str)
def test_numbers_to_codes(fmt, codec, seed):
    values = numbers(fmt, seed)
    if not fmt.has_nan:
        values = values[~np.isnan(values)]
    for overflow in ("saturate", "ieee") if fmt.has_nan else ("saturate",):
        ours, right = encoded(codec, fmt, values, overflow), fmt.encode(values, overflow)
        wrong = np.flatnonzero(ours != right)
        assert not len(wrong), (overflow, values[wrong[0]], hex(ours[wrong[0]]), hex(right[wrong[0]]))
    assert codec.lmul_has_nan(ctypes.byref(c_format(fmt))) == fmt.has_nan


@pytest.mark.parametrize("name", [name for name in [*NARROW, *WIDE] if name not in ("int4", "int1")])
def test_scales_of_tensors(name, codec, seed):
    fmt, rng = format_named(name), np.random.default_rng(seed)
    for largest in [*np.exp(rng.uniform(-690, 690, 300)), 1.0, 448.0, 449.0, 1e-308, 1.7e308]:
        assert codec.lmul_scale(ctypes.byref(c_format(fmt)), ctypes.c_double(largest)) == fmt.scale_for(
            np.array([largest, -largest / 2]))


@pytest.mark.parametrize("name", ["mxe4m3", "mxe5m2", "mxe2m1", "mxint8", "mxl3f4", "nvfp4"])
def test_blocks(name, codec, seed):
    """Tensors of every size of number, blocks of zeros among them: scales, codes and back."""
    block, rng = block_format(name), np.random.default_rng(seed)
    ours = CBlock(c_format(block.element), c_format(block.scale), block.size)
    for power in (-1000, -300, -100, -20, 0, 20, 100, 125, 300, 900):
        values = np.ldexp(rng.normal(size=(40, block.size)) * np.exp2(rng.integers(-60, 1, (40, 1))), power)
        values[7] = 0
        scale = codec.lmul_tensor_scale(ctypes.byref(ours), ctypes.c_double(abs(values).max()))
        assert scale == block.tensor_scale(values)
        values = values / scale
        right = block.encode(values)
        for row, codes, scale in zip(values, right.elements, right.scales.ravel(), strict=True):
            found, back = np.empty(block.size, np.uint32), np.empty(block.size)
            assert codec.lmul_encode_block(ctypes.byref(ours), pointer(row.copy(), ctypes.c_double), ctypes.c_size_t(1),
                                           pointer(found, ctypes.c_uint32)) == scale
            assert np.array_equal(found, codes)
            codec.lmul_decode_block(ctypes.byref(ours), pointer(found, ctypes.c_uint32), ctypes.c_size_t(1),
                                    ctypes.c_uint32(int(scale)), pointer(back, ctypes.c_double))
            assert np.array_equal(back, block.element.decode(codes) * block.scale.decode([scale]))


#: A program for a design: "records" prints those of all runs; a port sends them. Codes are read from files.
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "@SLUG@.h"
#include "lmul_link.h"
static void *read_all(const char *name, size_t size)
{
    FILE *file = fopen(name, "rb");
    void *data = calloc(1, size + 1);
    if (!file || !data || fread(data, 1, size, file) != size)
        exit(70);
    fclose(file);
    return data;
}
int main(int count, char **word)
{
    static lmul_link link;
    const lmul_design *design = &lmul_@SLUG@;
    lmul_product p = {0};
    uint32_t *c;
    size_t n, blocks_a, blocks_b;
    int wrong;
    if (count != 7)
        return 71;
    p.rows = strtoul(word[2], NULL, 10);
    p.depth = strtoul(word[3], NULL, 10);
    p.cols = strtoul(word[4], NULL, 10);
    p.place = atoi(word[5]);
    p.a = read_all("a.bin", p.rows * p.depth * 4);
    p.b = read_all("b.bin", p.depth * p.cols * 4);
    blocks_a = design->a_block.size ? p.depth / design->a_block.size : 0;
    blocks_b = design->b_block.size ? p.depth / design->b_block.size : 0;
    p.a_scales = read_all("as.bin", p.rows * blocks_a);
    p.b_scales = read_all("bs.bin", p.cols * blocks_b);
    p.top = lmul_top(design, &p);
    c = calloc(p.rows * p.cols, 4);
    if (!strcmp(word[1], "records")) {
        for (n = 0; n < lmul_runs(design, &p); n++) {
            size_t size = lmul_run_bytes(design, &p, n);
            uint8_t *records = malloc(size);
            lmul_run_records(design, &p, n, records);
            fwrite(records, 1, size, stdout);
        }
        fprintf(stderr, "%d", lmul_exponent(design, &p));
        return 0;
    }
    wrong = lmul_open(&link, word[1], strtoul(word[6], NULL, 10)) || lmul_multiply(&link, design, &p, c);
    if (wrong)
        fprintf(stderr, "%s", link.error);
    else
        fprintf(stderr, "%u", link.resent);
    fwrite(c, 4, p.rows * p.cols, stdout);
    lmul_close(&link);
    return wrong ? 2 : 0;
}
"""


class Program:
    """`PROGRAM` of a design, with operands of a kind."""

    def __init__(self, slug, folder, shape, seed):
        self.design, self.folder, self.shape = parse(slug), folder, shape
        with pytest.raises(SystemExit) as stop:
            main(["generate", slug, "--for", "c", "--period", "10", "-o", str(folder)])
        assert stop.value.code == 0
        (folder / "main.c").write_text(PROGRAM.replace("@SLUG@", slug))
        ours = [folder / name for name in ("main.c", "lmul_codec.c", "lmul_beats.c", "lmul_link.c")]
        self.path = compiled(ours, folder / "main", f"-I{folder}")
        rows, depth, cols = shape
        rng = np.random.default_rng(seed)
        if self.design.declared.tiled:
            given = operands(self.design, "random", rows, depth, rng)
            b = np.concatenate([given.b] * -(-cols // given.b.shape[1]), axis=1)[:, :cols]
            b_scales = None if given.scales.b is None else np.concatenate(
                [given.scales.b] * -(-cols // given.b.shape[1]), axis=1)[:, :cols]
            self.a, self.b, self.scales = given.a, b, Scales(given.scales.a, b_scales)
            self.place, self.top = place_for(self.design.tile, self.a, b), top_for(self.design.tile, self.scales)
        else:
            spec = self.design.multiplier
            self.a, self.b = spec.a.sample("random", (rows, depth), rng), spec.b.sample("random", (depth, cols), rng)
            self.scales, self.place, self.top = Scales(), 0, 0
        for name, codes, kind in (("a", self.a, np.uint32), ("b", self.b, np.uint32), ("as", self.scales.a, np.uint8),
                                  ("bs", self.scales.b, np.uint8)):
            (folder / f"{name}.bin").write_bytes(b"" if codes is None else np.ascontiguousarray(codes, kind).tobytes())

    def run(self, to, baud=2400):
        return subprocess.run([str(self.path), to, *map(str, self.shape), str(self.place), str(baud)], cwd=self.folder,
                              capture_output=True, check=False)

    def right(self):
        found = modelled(self.design, self.a, self.b, self.scales)
        return np.asarray(found if isinstance(found, np.ndarray) else found.codes, np.uint32)


BEATS = [("matmul_lmul_e4m3_fp32_2x3_os", (5, 7, 8)), ("matmul_exact_nvfp4_16x2_w10", (260, 32, 5))]
MORE = [("matmul_lmul_bf16xmxe4m3_16x2_w12", (260, 64, 3)), ("matmul_int8_int32_3x2_os", (4, 5, 3)),
        ("matmul_lmul_tf32_fp32_2x2_ws", (3, 2, 3)), ("matmul_log_l3f4_16x4_w10", (5, 40, 9)),
        ("matmul_exact_mxe4m3_16x2_w10", (4, 64, 3)), ("matmul_int8_16x2", (300, 33, 3))]


@pytest.mark.parametrize(("slug", "shape"), [*BEATS, *(pytest.param(*each, marks=pytest.mark.regress)
                                                        for each in MORE)])
def test_beats(slug, shape, tmp_path, seed):
    """Records byte for byte those of the host in Python."""
    program = Program(slug, tmp_path, shape, seed)
    done = program.run("records")
    assert done.returncode == 0
    plan = records.plan(program.design, program.a, program.b, program.scales)
    assert done.stdout == b"".join(run.records for run in plan.runs)
    if program.design.declared.tiled:
        assert int(done.stderr) == program.design.tile.exponent(program.place, program.top)


@pytest.mark.parametrize("slug", ["mul_lmul_e4m3", "mac_lmul_e4m3_fixed", "dot_int8xternary_int32_16"])
def test_headers_of_other_designs(slug, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["generate", slug, "--for", "c", "--period", "10", "-o", str(tmp_path)])
    assert stop.value.code == 0
    numbers = f"{slug.upper()}_LATENCY, {slug.upper()}_A_BITS"
    (tmp_path / "main.c").write_text(f'#include "{slug}.h"\n#include <stdio.h>\n'
                                     f'int main(void) {{ printf("%d %d", {numbers}); return 0; }}\n')
    path = compiled([tmp_path / "main.c"], tmp_path / "main", f"-I{tmp_path}")
    said = subprocess.run([str(path)], capture_output=True, text=True, check=True).stdout
    design = parse(slug)
    assert int(said.split()[1]) == design.multiplier.a.width * (design.lanes or 1)
    assert sorted(path.name for path in tmp_path.glob("lmul_*")) == ["lmul_codec.c", "lmul_codec.h"]


def test_the_driver_speaks_the_protocol():
    """Its numbers are those of the frames."""
    text = (DATA / "lmul_link.h").read_text()
    for word, number in {"VERSION": frames.VERSION, "COMMAND_SYNC": frames.COMMAND_SYNC, "ANSWER_SYNC":
                         frames.ANSWER_SYNC, "CORE_ERROR": frames.CORE_ERROR, "RECORD_ERROR": frames.RECORD_ERROR,
                         **frames.Command.__members__}.items():
        assert int(re.search(rf"LMUL_{word} = (\w+)", text)[1], 0) == number
    listed = re.search(r"enum \{\s+(LMUL_DONE,.*?)\}", text, re.S)[1]
    assert [word.strip() for word in listed.split(",")] == [f"LMUL_{status.name}" for status in frames.Status]
    words = re.findall(r'"([^"]*)"', re.search(r"words\[\] = \{(.*?)\};", (DATA / "lmul_link.c").read_text(), re.S)[1])
    assert words == [frames.WORDS[status] for status in frames.Status]
    assert f"LMUL_PLACES {frames.PLACES:#x}".lower() in (DATA / "lmul_beats.h").read_text().lower()


@needs_uart
@pytest.mark.parametrize(("slug", "shape"), [
    pytest.param("matmul_lmul_e4m3_fp32_2x2_os", (3, 9, 5), marks=pytest.mark.regress),
    pytest.param("matmul_exact_nvfp4_16x2_w10", (20, 64, 5), marks=pytest.mark.regress),
    pytest.param("matmul_int8_16x2", (5, 40, 3), marks=pytest.mark.regress)])
def test_products_by_a_board(slug, shape, sim_folder, tmp_path, seed):
    """While the line errs in both directions; then of a board that has another design, and of one that is gone."""
    program = Program(slug, tmp_path, shape, seed)
    faults = {"to_board": {"12": "flip", "60": "drop", "150": "garbage", "320": "break"},
              "to_host": {"20": "flip", "130": "double", "150": "drop"}}
    with simulated(program.design, sim_folder / "boards", faults) as port:
        done = program.run(port)
        assert done.returncode == 0, done.stderr
        assert np.array_equal(np.frombuffer(done.stdout, np.uint32).reshape(program.right().shape), program.right())
        assert int(done.stderr) >= 5
        header = tmp_path / f"{slug}.h"
        header.write_text(header.read_text().replace(f'.slug = "{slug}"', '.slug = "matmul_other"'))
        compiled([tmp_path / "main.c", *tmp_path.glob("lmul_*.c")], program.path, f"-I{tmp_path}")
        done = program.run(port)
        assert (done.returncode, done.stderr.decode()) == (2, f"Board must have 'matmul_other' on it, not '{slug}'")
    done = program.run(port)
    assert done.returncode == 2 and done.stderr.startswith(b"Serial port must be there")


PAGE = (Path(__file__).parent.parent / "docs" / "link.md").read_text(encoding="utf-8")


def page_program(folder, port="/dev/ttyUSB0"):
    """The program of docs/link.md, built."""
    [program] = re.findall(r"^```c\n(.*?)^```$", PAGE, re.M | re.S)
    [slug] = re.findall(r'#include "(matmul_\w+)\.h"', program)
    with pytest.raises(SystemExit):
        main(["generate", slug, "--for", "c", "--period", "10", "-o", str(folder)])
    assert program.count('"/dev/ttyUSB0", 115200') == 1
    (folder / "main.c").write_text(program.replace('"/dev/ttyUSB0", 115200', f'"{port}", 2400'))
    return slug, compiled([folder / "main.c", *folder.glob("lmul_*.c")], folder / "main", f"-I{folder}")


def test_the_program_of_the_page(tmp_path):
    """It is built; where there is no port, it says so."""
    _, path = page_program(tmp_path, "/dev/lmul-nowhere")
    done = subprocess.run([str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "Serial port must be there, not '/dev/lmul-nowhere': No such file or "
                                                 "directory\n")


@needs_uart
@pytest.mark.regress
def test_the_programs_of_the_page_on_a_board(sim_folder, tmp_path):
    """That in C, and that in Python."""
    [python] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    design = parse(page_program(tmp_path)[0])
    with simulated(design, sim_folder / "boards") as port:
        _, path = page_program(tmp_path, port)
        assert subprocess.run([str(path)], capture_output=True, text=True, check=False).stdout == "4.375\n"
        a, b = (design.multiplier.a.encode(values) for values in ([[1.5, 3.0]], [[1.75], [0.5]]))
        names = {"design": design, "a": a, "b": b, "scales": Scales()}
        exec(python.replace('"/dev/ttyUSB0", 115200', f'"{port}", 2400'), names)
        assert design.result.decode(names["codes"]).tolist() == [[4.375]]
