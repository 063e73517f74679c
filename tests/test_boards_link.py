"""A host and a simulated board on a pseudo-terminal, beside a UART that is not ours: products by the command line,
errors of the line in both directions, and lines on which nobody or somebody else speaks."""

import contextlib
import json
import os
import re
import threading
import time
import tty

import numpy as np
import pytest
from lmul.boards.host import Board
from lmul.boards.line import Line, Place, read_place
from lmul.boards.simulated import simulated, source, uart_installed
from lmul.cli.main import main
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import parse
from lmul.hdl.frames import Command

ARRAY, TILE = "matmul_lmul_e4m3_fp32_2x2_os", "matmul_exact_nvfp4_16x2_w10"
BAUD = 2400  # what a host reckons with: a simulation is slower than a board
UNIT = 9  # bytes of a command without a payload; its answer has two more

needs_uart = pytest.mark.skipif(not uart_installed(), reason="cocotbext-uart must be installed: pip install it")


def lmul(*arguments):
    """Exit status of a command line."""
    with pytest.raises(SystemExit) as stop:
        main([str(each) for each in arguments])
    return stop.value.code


def matrices(folder, seed, shape=(3, 9, 5)):
    rng, (rows, depth, cols) = np.random.default_rng(seed), shape
    np.save(folder / "A.npy", rng.normal(size=(rows, depth)).astype(np.float32))
    np.save(folder / "B.npy", rng.normal(size=(depth, cols)).astype(np.float32))
    return folder / "A.npy", folder / "B.npy"


def same_as_golden(slug, place, folder, seed, capsys, shape=(3, 9, 5)):
    """A product by a board, by the command line, is golden's bit by bit; gives its record."""
    operands = matrices(folder, seed, shape)
    for backend, name in ((place, "board.npy"), ("golden", "golden.npy")):
        assert lmul("matmul", *operands, "--design", slug, "--backend", backend, "--json", "-o", folder / name) == 0
        if name == "board.npy":
            record = json.loads(capsys.readouterr().out)
    ours, right = np.load(folder / "board.npy"), np.load(folder / "golden.npy")
    assert ours.dtype == right.dtype and np.array_equal(ours.view(np.uint32), right.view(np.uint32))
    return record


@needs_uart
def test_an_array_on_a_board(sim_folder, tmp_path, seed, capsys):
    """Its products; another design is refused by both names; a board that is gone, by its port's."""
    with simulated(parse(ARRAY), sim_folder / "boards") as port:
        record = same_as_golden(ARRAY, f"serial:{port}@{BAUD}", tmp_path, seed, capsys)
        assert (record["backend"], record["simulation"]) == (f"serial:{port}@{BAUD}", None)
        assert record["board"]["bytes_sent"] > 300 and not record["board"]["line_errors"]
        other = ARRAY.replace("e4m3", "e5m2")
        assert lmul("matmul", tmp_path / "A.npy", tmp_path / "B.npy", "--design", other, "--backend",
                    f"serial:{port}@{BAUD}", "-o", tmp_path / "other.npy") == 2
        assert capsys.readouterr().err.splitlines()[-1] == (
            f"lmul: Board on serial:{port}@{BAUD} must have '{other}' on it, not '{ARRAY}'")
        line = Line(Place(port, BAUD))
    with line, pytest.raises(Refusal, match=f"Board must stay connected, but serial:{port}@{BAUD} is gone"):
        line.ask(Command.IDENTIFY)
    assert lmul("matmul", tmp_path / "A.npy", tmp_path / "B.npy", "--design", ARRAY, "--backend", f"serial:{port}",
                "-o", tmp_path / "other.npy") == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"lmul: Serial port must be there and free, not '{port}'")
    assert not (tmp_path / "other.npy").exists()


#: What happens to a byte of a command, which, and what the board then says; and of an answer, and what the host says.
TO_BOARD = [("garbage", 0, "bytes before a command"), ("flip", 5, "wrong CRC of a command"),
            ("drop", 6, "command cut short"), ("double", 7, "wrong CRC of a command"),
            ("cut", 3, "command cut short"), ("break", 4, "stop bit missing in a command")]
TO_HOST = [("flip", 2, "wrong CRC of an answer"), ("garbage", 0, "bytes before an answer"),
           ("double", 5, "wrong CRC of an answer"), ("drop", 4, "answer cut short"), ("cut", 5, "answer cut short"),
           ("flip", 0, "bytes that are no answer")]


@needs_uart
@pytest.mark.regress
def test_every_error_of_the_line_is_named_and_made_good(sim_folder):
    """Each in a command of its own, which is sent twice for it; but for bytes before an answer, which are left out."""
    faults = {"to_board": {2 * UNIT * n + at: kind for n, (kind, at, _) in enumerate(TO_BOARD)}, "to_host": {}}
    heard = 2 * (UNIT + 2) * len(TO_BOARD)
    for kind, at, _ in TO_HOST:
        faults["to_host"][heard + at] = kind
        heard += (UNIT + 2) * (1 if kind == "garbage" else 2)
    with simulated(parse(ARRAY), sim_folder / "boards", faults) as port, Line(Place(port, BAUD)) as line:
        for kind, _, said in TO_BOARD + TO_HOST:
            line.errors.clear()
            assert line.ask(Command.RESET).payload == b""
            assert line.errors == {said: 1}, kind
        assert Board(line).slug == ARRAY


@needs_uart
@pytest.mark.regress
@pytest.mark.parametrize(("slug", "shape"), [(TILE, (20, 70, 5)), (ARRAY, (9, 40, 7)), ("matmul_int8_16x2", (3, 40, 3)),
                                             ("matmul_lmul_bf16xe4m3_fp32_3x2_ws", (4, 9, 5))])
def test_products_while_the_line_errs(slug, shape, sim_folder, tmp_path, seed, capsys):
    """One byte in 400 meets an accident, in either direction: the bits are golden's all the same."""
    rng, kinds = np.random.default_rng(seed), ["flip", "drop", "double", "garbage", "cut", "break"]
    faults = {way: {int(at): str(rng.choice(kinds)) for at in [150, *rng.integers(160, 20000, 50)]}
              for way in ("to_board", "to_host")}
    with simulated(parse(slug), sim_folder / "boards", faults) as port:
        record = same_as_golden(slug, f"serial:{port}@{BAUD}", tmp_path, seed, capsys, shape)
    assert record["board"]["line_errors"]


@needs_uart
@pytest.mark.regress
def test_a_board_that_is_wrong_is_found_out(sim_folder, tmp_path, seed, capsys):
    """A core whose results have a bit turned over: exit status 1, nothing written."""
    way_out = r"(?s)(module \w+_unloader\(.*?assign o = )([^;]*)"
    wrong, count = re.subn(way_out, r"\1 8'h20 ^ (\2)", source(parse(ARRAY)))
    assert count == 1
    operands = matrices(tmp_path, seed)
    with simulated(parse(ARRAY), sim_folder / "wrong_board", verilog=wrong) as port:
        assert lmul("matmul", *operands, "--design", ARRAY, "--backend", f"serial:{port}@{BAUD}", "-o",
                    tmp_path / "C.npy") == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "and golden must give the same bits, but 15 of 15 codes differ, first row 0, column 0" in said
    assert not (tmp_path / "C.npy").exists()


@contextlib.contextmanager
def spoken(speak):
    """A port on which ``speak(master)`` is called again and again while the block goes on."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    ended = threading.Event()

    def run():
        while not ended.wait(0.002):
            with contextlib.suppress(BlockingIOError):
                speak(master)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        ended.set()
        thread.join()
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize(("speak", "said"), [
    (lambda master: None, "2 x no answer"),
    (lambda master: os.write(master, os.read(master, 64)), "2 x bytes that are no answer"),
    (lambda master: os.write(master, bytes(64)), "2 x bytes that are no answer"),
    (lambda master: os.write(master, b"\x5a" * 64), "2 x wrong CRC of an answer"),
], ids=["silence", "echo", "noise", "noise like answers"])
def test_nobody_that_is_a_board(speak, said):
    """A refusal, soon, whatever is on the line."""
    began = time.monotonic()
    with spoken(speak) as port, Line(Place(port), attempts=2, patience=0.1) as line, \
            pytest.raises(Refusal, match=f"must answer, but did not: identify was sent 2 times .{said}"):
        line.ask(Command.IDENTIFY)
    assert time.monotonic() < began + 10


def test_places():
    assert read_place("serial:/dev/ttyUSB0") == Place("/dev/ttyUSB0", 115200)
    assert read_place("serial:/dev/a@b@9600") == Place("/dev/a@b", 9600)
    assert str(Place("COM3", 9600)) == "serial:COM3@9600"
    for text in ("serial:", "serial:/dev/ttyUSB0@0", "/dev/ttyUSB0"):
        with pytest.raises(Refusal, match="must be given as serial:PORT or serial:PORT@BAUD"):
            read_place(text)


@pytest.mark.parametrize(("arguments", "said"), [
    (("--design", "mac_lmul_e4m3_fp32", "--backend", "serial:/dev/null"), "must be a matmul or a tile to be sent mat"),
    (("--design", ARRAY, "--backend", "serial:/dev/null"), "Serial port must be there and free, not '/dev/null'"),
    (("--design", ARRAY, "--backend", "serial:nowhere"), "Serial port must be there and free, not 'nowhere'"),
    (("--design", ARRAY, "--backend", "parallel"), "'parallel' is not golden, rtl or serial:PORT"),
    (("--design", ARRAY, "--backend", "serial:"), "must be given as serial:PORT"),
])
def test_refused(arguments, said, tmp_path, seed, capsys):
    assert lmul("matmul", *matrices(tmp_path, seed), *arguments, "-o", tmp_path / "C.npy") == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "C.npy").exists()
