"""Results kept by content: taken again when nothing changed, made again when damaged, bounded, shared."""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from lmul.cli.main import main
from lmul.golden.operands import operands
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import parse
from lmul.synth import curve, measure, unit
from lmul.synth.measure import run_report
from lmul.synth.options import Options
from lmul.synth.store import MOST, Store, digest, user_store
from lmul.synth.unit import Unit
from lmul.synth.verilog_kept import written

OPTIONS = Options(effort="low", vectors=300)
PAIR = ["mul_lmul_e2m1", "mul_exact_e2m1_flush"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store") / "kept")


@pytest.fixture(scope="module")
def record(store):
    return run_report(PAIR, ["asap7", "ice40"], options=OPTIONS, store=store)


def report(slugs, store, **others):
    return run_report(slugs, ["asap7"], options=OPTIONS, store=store, **others)


def rows(record, technology="asap7"):
    return {row["design"]: row for row in record["rows"] if row["technology"] == technology}


def test_nothing_is_measured_twice(record, store, monkeypatch):
    def jobs(self, jobs, *_):
        assert not jobs
        return iter(())

    monkeypatch.setattr(measure._Pool, "run", jobs)
    again = run_report(list(rows(record)), ["asap7", "ice40"], options=OPTIONS, store=store)
    assert json.dumps(again) == json.dumps(record)


def test_a_row_is_its_own(record, store):
    """Alone, or beside rivals, or at a clock of its own: the netlists and what they burn are the same."""
    alone = rows(report(PAIR[:1], None))[PAIR[0]]
    assert alone["curve"] == rows(record)[PAIR[0]]["curve"]
    assert alone["at"]["fast"]["clock_ps"] < rows(record)[PAIR[0]]["at"]["fast"]["clock_ps"]


DAMAGE = [lambda content: content[: len(content) // 2], lambda content: b"",
          lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:]]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_seen(damage, tmp_path):
    store, key = Store(tmp_path), digest("a")
    store.put("kind", key, b"figures")
    path = store._path("kind", key)
    path.write_bytes(damage(path.read_bytes()))
    assert store.get("kind", key) is None


def test_damaged_entries_are_made_anew(record, store):
    paths = [path for path in store.folder.glob("*/??/*") if path.parts[-3] in ("figures", "netlist", "verilog")]
    assert len(paths) > 6
    for n, path in enumerate(paths):
        path.write_bytes(DAMAGE[n % len(DAMAGE)](path.read_bytes()))
    assert rows(report(list(rows(record)), store)) == rows(record)


def test_what_figures_depend_on(tmp_path):
    design = parse("mac_lmul_e2m1_fixed16")
    text = written(design, Store(tmp_path))
    source = operands("gaussian", 1)
    plain = Unit(design, text, source, OPTIONS).key("asap7")
    others = [Unit(design, text, source, Options(effort="low", vectors=300, **{name: value})).key("asap7")
              for name, value in (("seed", 2), ("mapping_seed", 1), ("mode", "zero"), ("prove", True),
                                  ("gating", "on"), ("dont_use", "X*"), ("wire_load", "w"))]
    others += [Unit(design, text, source, OPTIONS).key(key) for key in ("sky130hd", None)]
    others += [Unit(design, text, operands("gaussian", 2), OPTIONS).key("asap7"),
               Unit(design, text._replace(text=text.text + "\n"), source, OPTIONS).key("asap7")]
    assert len({plain, *others}) == 1 + len(others)
    for same in ({"clock_ps": 900.0}, {"fpga_seeds": 5}):  # pages' affairs, and placement's
        assert Unit(design, text, source, Options(effort="low", vectors=300, **same)).key("asap7") == plain


def test_energy_is_a_straight_line_over_the_period(tmp_path):
    """Beside the same netlist simulated and weighed at twice its shortest period."""
    design, store = parse("mac_exact_e2m1_fixed16"), Store(tmp_path)
    own = Unit(design, written(design, store), operands("recording"), OPTIONS)
    [figures, *_] = own.measure(["asap7"], store)["asap7"]["points"]
    [point, *_] = own._netlists(["asap7"], store)["asap7"].points
    period, driven = 2 * figures["delay_ps"], own._drive()
    slow = curve.simulate(point.netlist, point.timing, driven.inputs, "timed", period, driven.warmup)
    wanted = curve.estimate(point.netlist, point.timing, slow, period, driven.ops / slow.cycles)
    found = curve.at(figures, period)
    assert found["energy_fj_per_op"] > figures["energy_fj_per_op"] and found["clock_ps"] == period
    for key, value in (("energy_fj_per_op", wanted.energy_fj_per_op), ("energy_fj_signoff", wanted.signoff["total"]),
                       ("energy_fj_by_kind", wanted.by_kind["leakage"])):
        mine = found[key]["total" if key.endswith("signoff") else "leakage"] if isinstance(found[key], dict) \
            else found[key]
        assert mine == pytest.approx(value, rel=1e-4)
    for parts in ("energy_fj_by_role", "energy_fj_by_kind"):
        assert sum(found[parts].values()) == pytest.approx(found["energy_fj_per_op"], rel=1e-9)


def test_a_store_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    store.put("kind", digest("a"), b"a")
    assert store.get("kind", digest("a")) is None and store.made("kind", digest("a"), lambda: [1]) == [1]
    store.trim()
    assert store.held() == {}


def test_the_oldest_goes_first(tmp_path):
    store = Store(tmp_path, most=4000)
    for n in range(8):
        store.put("kind", digest(n), os.urandom(900))
        os.utime(store._path("kind", digest(n)), (n, n))
    assert store.get("kind", digest(0))  # used just now
    store.trim()
    assert [n for n in range(8) if store.get("kind", digest(n))] == [0, 5, 6, 7]


def test_only_a_store_is_emptied(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Refusal, match="A cache to be emptied must be one of lmul"):
        Store(tmp_path).clear()
    store = Store(tmp_path / "kept")
    store.put("kind", digest(1), b"1")
    store.clear()
    assert store.get("kind", digest(1)) is None and (tmp_path / "thesis.txt").exists()


def _fill(folder):
    store = Store(folder, most=20000)
    for n in range(60):
        found = store.made("kind", digest(n), lambda n=n: [n] * 100)
        assert found == [n] * 100
        store.trim()


def test_processes_share_a_store(tmp_path):
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(_fill, [tmp_path] * 4))
    assert sum(each.bytes for each in Store(tmp_path).held().values()) <= 20000


def test_the_users_store(tmp_path, monkeypatch):
    assert user_store() is None  # as the tests' environment has it
    monkeypatch.delenv("LMUL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_store().folder == tmp_path / "lmul" / "results" and user_store().most == MOST
    monkeypatch.setenv("LMUL_CACHE_MB", "3")
    assert user_store(str(tmp_path)).folder == tmp_path and user_store().most == 3 << 20
    assert user_store("none") is None
    monkeypatch.setenv("LMUL_CACHE_MB", "much")
    with pytest.raises(Refusal, match="LMUL_CACHE_MB must be a number of MB, not 'much'"):
        user_store()


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


def test_the_command(record, store, capsys):
    status, out, _ = run(capsys, "cache", "--cache", str(store.folder), "--json")
    held = json.loads(out)
    assert status == 0 and held["folder"] == str(store.folder) and held["entries"]["verilog"]["count"] == 2
    assert "netlist" in run(capsys, "cache", "--cache", str(store.folder))[1]
    assert run(capsys, "cache", "--cache", "none")[0] == 2
    status, out, _ = run(capsys, "cache", "--cache", str(store.folder), "--clear")
    assert status == 0 and not Store(store.folder).held()


def test_rooms_are_all_there():
    assert all((Path(unit.__file__).parents[1] / room).is_dir() for room in unit.ROOMS)
