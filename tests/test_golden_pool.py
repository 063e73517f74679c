"""Workers end when they are left, whatever they do, with all that they started; and say how they died."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from lmul.golden.parallel import THREADS, in_threads
from lmul.golden.pool import Here, Pool, WorkerDied
from lmul.golden.refusal import Refusal

SECONDS = 10  # in which leaving must be over
IGNORE = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN); "

#: What workers may be at when they are left. Each first writes its process's number into a file.
BUSY = {
    "a loop": "while True: pass",
    "a loop that lets nothing through": "while True:\n    try:\n        while True: pass\n    except BaseException: 0",
    "deaf": IGNORE + "\nwhile True: pass",
    "compiled": "import ctypes; ctypes.PyDLL(None).sleep(1000)",  # holds Python's lock; CDLL lets it go
    "compiled, without the lock": "import ctypes; ctypes.CDLL(None).sleep(1000)",
    "a solver": "import bitwuzla; t = bitwuzla.TermManager(); b = bitwuzla.Bitwuzla(t); w = t.mk_bv_sort(64)\n"
                "x, y = (t.mk_const(w, n) for n in 'xy'); k = bitwuzla.Kind\n"
                "b.assert_formula(t.mk_term(k.EQUAL, [t.mk_term(k.BV_MUL, [x, y]), "
                "t.mk_bv_value(w, 18446744030759878681)]))\n"
                "for z in (x, y): b.assert_formula(t.mk_term(k.BV_UGT, [z, t.mk_bv_value(w, 1)]), "
                "t.mk_term(k.BV_ULT, [z, t.mk_bv_value(w, 1 << 32)]))\n"
                "b.check_sat()",
    "another program": "import subprocess; subprocess.run(['sh', '-c', 'trap \"\" TERM INT; echo $$ > \"$0\"; "
                       "sleep 1000 & echo $! >> \"$0\"; wait; wait', FILE])",
}


def work(folder, text):
    """A job: say which process this is, then run some Python."""
    path = Path(folder, str(os.getpid()))
    path.write_text(f"{os.getpid()}\n")
    exec(text, {"FILE": f"{path}.children"})


def end(number):
    os.kill(os.getpid(), number)


def refuse():
    raise Refusal("A thing must be so, not otherwise")


class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def odd():
    raise Odd(1, 2)


def after(folder, count, function, *arguments):
    """A job that begins once ``count`` others have."""
    while len(list(Path(folder).iterdir())) < count:
        time.sleep(0.02)
    time.sleep(0.1)
    return function(*arguments)


def alive(folder):
    """Numbers of the processes that left theirs in ``folder`` and still run."""
    numbers = [int(number) for path in folder.iterdir() for number in path.read_text().split()]
    assert numbers
    return [number for number in numbers if _runs(number)]


def _runs(number):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{number}/status").read_text()
    except OSError:
        return False


def gone(folder, seconds=2):
    """Whether nothing that left its number in ``folder`` runs any more, give or take a moment."""
    until = time.monotonic() + seconds
    while alive(folder) and time.monotonic() < until:
        time.sleep(0.02)
    return not alive(folder)


QUICK = "deaf", "compiled", "a solver", "another program", signal.SIGTERM, signal.SIGKILL


def some(cases):
    """Of cases the quick ones, and the others in the long part of the suite."""
    return [pytest.param(each, marks=[pytest.mark.regress] * (each not in QUICK)) for each in cases]


@pytest.mark.parametrize("what", some(BUSY))
def test_a_failing_job_ends_the_others(tmp_path, what):
    jobs = [(work, tmp_path, BUSY[what]), (after, tmp_path, 1 + (what == "another program"), refuse)]
    with pytest.raises(Refusal, match="^A thing must be so"), Pool() as pool:
        try:
            list(pool.run(jobs, "jobs"))
        finally:
            failed = time.monotonic()
    assert gone(tmp_path)
    assert time.monotonic() - failed < SECONDS


#: A program with jobs that never end.
_PROGRAM = """
import signal, sys
sys.path.insert(0, sys.argv[1])
from test_golden_pool import BUSY, work
from lmul.golden.pool import Pool
if __name__ == "__main__":
    try:
        with Pool() as pool:
            list(pool.run([(work, sys.argv[2], BUSY["another program"]), (work, sys.argv[2], BUSY["deaf"])], "jobs"))
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.mark.parametrize("number", some([signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]))
def test_nothing_outlives_the_program(tmp_path, number):
    """Whatever ends it."""
    (tmp_path / "program.py").write_text(_PROGRAM)
    (tmp_path / "began").mkdir()
    program = subprocess.Popen([sys.executable, tmp_path / "program.py", Path(__file__).parent, tmp_path / "began"],
                               env=os.environ | {"TMPDIR": str(tmp_path)})
    while len([path for path in (tmp_path / "began").iterdir() if path.stat().st_size]) < 3:
        assert program.poll() is None
        time.sleep(0.05)
    time.sleep(0.1)
    program.send_signal(number)
    assert program.wait(SECONDS) == (130 if number == signal.SIGINT else -number)
    assert gone(tmp_path / "began")


@pytest.mark.parametrize(("number", "words"), [
    (signal.SIGKILL, r"SIGKILL \(as systems do when memory runs out\)"),
    (signal.SIGSEGV, r"SIGSEGV \(a fault in compiled code\)"), (signal.SIGTERM, "SIGTERM")])
def test_a_worker_that_dies_is_named(tmp_path, number, words):
    with pytest.raises(WorkerDied, match=rf"^The process that worked on job {number} was ended by {words}$"), \
            Pool() as pool:
        list(pool.run([(work, tmp_path, "while True: pass"), (after, tmp_path, 1, end, number)], "jobs",
                      lambda *job: f"job {job[-1]}"))
    assert gone(tmp_path)


def test_what_a_job_raises_arrives_with_where():
    with pytest.raises(Refusal, match="^A thing must be so, not otherwise") as raised, Pool() as pool:
        list(pool.run([(refuse,)], "jobs"))
    assert "in refuse" in raised.value.__notes__[0]


@pytest.mark.parametrize(("job", "words"), [((odd,), "^Odd: 1 and 2"), ((sys.exit, 3), r"^SystemExit\(3\)"),
                                            ((lambda: 1,), "pickle"), ((open, os.devnull), "pickle")])
def test_what_cannot_cross_the_pipe_is_told(job, words):
    """Neither hides nor hangs."""
    with pytest.raises(Exception, match=words), Pool() as pool:
        list(pool.run([job], "jobs"))


def test_results_come_and_the_pool_serves_again():
    told = []
    with Pool(lambda *step: told.append(step)) as pool:
        assert not list(pool.run([], "none"))
        for start in (0, 10):
            assert sorted(pool.run([(abs, -n) for n in range(start, start + 5)], "jobs", str)) == \
                   list(range(start, start + 5))
        for _ in pool.run([(time.sleep, 0)] * 3, "left"):
            break
        assert list(pool.run([(abs, -7)], "jobs")) == [7]
    assert told[0][:2] == (0, 5) and told[0][2].startswith("jobs: 0")
    assert (5, 5, "jobs") in told


def test_temporary_files_go_with_the_pool(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    program = "import tempfile; tempfile.mkdtemp(); open(FILE, 'w').close()\nwhile True: pass"
    (tmp_path / "began").mkdir()
    with pytest.raises(Refusal), Pool() as pool:
        list(pool.run([(work, tmp_path / "began", program), (after, tmp_path / "began", 2, refuse)], "jobs"))
    assert [path.name for path in tmp_path.iterdir()] == ["began"]


def test_threads_take_nothing_new_once_they_are_left(monkeypatch):
    """Ctrl-C in a loop of compiled work."""
    done = []

    def work(item):
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        time.sleep(0.05)
        done.append(item)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    with pytest.raises(KeyboardInterrupt):
        in_threads(work, range(100))
    assert len(done) < 5


def test_workers_share_the_threads(monkeypatch):
    """One alone has all of them; what this process was told is left as it was."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    for told, workers, share in ((None, 1, 8), (None, 2, 4), ("6", 2, 3), ("1", 2, 1), ("2,4", 2, 4)):
        monkeypatch.delenv(THREADS, raising=False)
        if told:
            monkeypatch.setenv(THREADS, told)
        with Pool() as pool:
            assert [*pool.run([(os.getenv, THREADS)] * workers, "")] == [str(share)] * workers
        assert os.environ.get(THREADS) == told


def test_no_more_threads_than_were_asked_for(monkeypatch):
    monkeypatch.setenv(THREADS, "1")
    begun = []
    in_threads(lambda _: begun.append(threading.get_ident()), range(100))
    assert set(begun) == {threading.get_ident()}


def test_jobs_that_are_done_here_are_said():
    said = []
    assert [*Here(lambda *step: said.append(step)).run([(abs, -1), (abs, 2)], "numbers", str)] == [1, 2]
    assert said == [(0, 2, "numbers: -1"), (1, 2, "numbers: 2"), (2, 2, "numbers")]
