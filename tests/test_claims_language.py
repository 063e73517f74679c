"""A language model in the record of claims: which rows there are, that they are kept, how they are judged and shown."""

import json

import pytest
from lmul.claims import language, run
from lmul.claims.figures import Figures
from lmul.cli import claims_page, language_plot
from lmul.golden.pool import Here
from lmul.golden.refusal import Refusal
from lmul.hdl.designs import parse
from lmul.synth.store import Store

WANTED = ["language/mac_lmul_e4m3_fp32", "language/tile_log_mxl3f4_16x16_w10/all"]
NAMES = ["language/mac_lmul_e4m3_fp32/attention", "language/mac_lmul_e4m3_fp32/linear",
         "language/mac_lmul_e4m3_fp32/all", "language/tile_log_mxl3f4_16x16_w10/all"]


class Fake:
    """An evaluation that counts what it is asked for, and gives out in the end."""

    identity = ("weights", "texts")
    measured = 0
    last = 1000

    def about(self):
        return {"model": "a model", "weights_sha256": "0", "length": 256,
                "windows": {"attention": 9, "linear": 5, "all": 5},
                "texts": {"news": {"package": "gensim", "version": "4", "file": "a.cor", "sha256": "1"}},
                "perplexity": {"news": 30.5}}

    def measure(self, arithmetic, scope):
        if Fake.measured == Fake.last:
            raise KeyboardInterrupt
        Fake.measured += 1
        return {"macs": 10, "seconds": 1.0, "ratio": 1.02, "low": 1.015, "high": 1.025, "ratios": {"news": 1.02},
                "agreement": .9, "divergence": .003}


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(language, "_evaluation", Fake)
    monkeypatch.setattr(run, "Pool", Here)
    monkeypatch.setattr(Fake, "measured", 0)
    return Fake


def test_entries_are_designs_each_once():
    slugs = [entry.slug for entry in language.ENTRIES]
    assert len(set(slugs)) == len(slugs) and [parse(slug).slug for slug in slugs] == slugs
    assert len({entry.said for entry in language.TILES}) == len(language.TILES)  # labels of the picture


def test_rows_are_kept_as_they_come(fake, monkeypatch, tmp_path):
    """What was measured before an interrupt is not measured again."""
    monkeypatch.setattr(fake, "last", 2)
    with pytest.raises(KeyboardInterrupt):
        language.part(WANTED, store=Store(tmp_path))
    monkeypatch.setattr(fake, "last", 1000)
    steps = []
    found = language.part(WANTED, Here(lambda *step: steps.append(step)), Store(tmp_path))
    assert fake.measured == 4 and [row["row"] for row in found["rows"]] == NAMES
    assert [step[:2] for step in steps] == [(done, 2) for done in range(3)]
    assert steps[0][2] == "language model: mac_lmul_e4m3_fp32 all"
    assert language.part(WANTED, store=Store(tmp_path)) == found and fake.measured == 4
    assert language.part(WANTED) == found and fake.measured == 8


def test_offsets_that_are_the_same_integer_are_measured_once(fake):
    found = language.part(["language/mac_lmul_e4m3_best_fp32", "language/mac_lmul_e4m3_offh1_fp32"])
    assert len(found["rows"]) == 6 and fake.measured == 3


@pytest.mark.parametrize(("low", "high", "verdict"), [
    (1.001, 1.0099, "holds"), (1.0101, 1.02, "does not hold"), (1.009, 1.011, "no clear difference")])
def test_almost_lossless_is_judged_by_the_interval(fake, monkeypatch, low, high, verdict):
    measure = Fake.measure
    monkeypatch.setattr(fake, "measure", lambda *asked: measure(*asked) | {"low": low, "high": high})
    found = language.claims(language.part(WANTED))
    assert [each["verdict"] for each in found] == [verdict, "not measured"]
    assert [each["row"] for each in found] == ["language/attention-8-bit", "language/attention-16-bit"]


def test_energies_are_of_tiles_at_one_clock(fake, monkeypatch):
    asked = []

    def report(designs, technologies, options, store, progress):
        asked.append((designs, technologies, options.clock_ps))
        rows = [{"design": slug, "technology": "asap7", "energy_fj_per_op": 75.0, "reasons": {}} for slug in designs]
        return {"rows": rows, "libraries": [], "options": {}, "scatter": {"margins": []}}

    monkeypatch.setattr(run, "run_report", report)
    monkeypatch.setattr(run, "short", dict)
    found = run.run(WANTED, models=True)
    assert asked == [(["tile_log_mxl3f4_16x16_w10"], ["asap7"], language.CLOCK)]
    assert [row["energy_fj"] for row in found["language"]["rows"]] == [None] * 3 + [75.0]
    [command] = {row["energy_command"] for row in found["language"]["rows"]} - {None}
    assert command == f"lmul report tile_log_mxl3f4_16x16_w10 --tech asap7 --clock {language.CLOCK:g} -o DIR"


def test_the_sentence_has_tiles_in_blocks(fake):
    found = run.judged(["language"], ["language"], Figures(None), {"language": language.part(["language"])})
    words = found["language"]["finding"]
    assert words.count("1.020 (1.015 to 1.025) with ") == 2 * len(language.LEADING)
    assert "attention's products alone" in words and "with MXINT8" in words and claims_page.lead(
        found | {"source": "a paper"}).endswith(words)


def test_only_if_asked_for(fake):
    found = run.run(["language"])
    assert found["language"]["rows"] == [] and fake.measured == 0
    assert {each["verdict"] for each in found["claims"]} == {"not measured"}
    with pytest.raises(Refusal, match="^Row must be named as in the record of `lmul claims --only language --models`"):
        run.run(["language/mac_lmul_e9m3_fp32"], models=True)


def test_the_page_and_the_picture(fake, tmp_path):
    part = language.part(["language/tile_log_mxl3f4_16x16_w10", "language/tile_mxint8_16x16", WANTED[0]])
    figures = Figures(None)
    figures.rows = {(row["design"], "asap7"): {"energy_fj_per_op": 75.0 - 9 * ("int8" in row["design"])}
                    for row in part["rows"] if row["tiled"]}
    part = language.with_energies(part, figures)
    assert [point.label for point in language_plot.points(part["rows"])] == [
        "MXINT8", "log codes of 8 bits in blocks, window 10"]
    record = {"command": "lmul claims --models", "parts": ["language"], "claims": language.claims(part),
              "language": part, "hardware": None, "source": "a paper", "rule": ""}
    record = json.loads(json.dumps(record))
    assert "perplexity.svg" in claims_page.write_claims(record, tmp_path)
    drawn = (tmp_path / "perplexity.svg").read_text(encoding="utf-8")
    assert "MXINT8" in drawn and drawn == language_plot.file(language_plot.points(part["rows"]))
    markdown = (tmp_path / "claims.md").read_text(encoding="utf-8")
    assert "| `tile_mxint8_16x16` | 1.0200 (1.0150 to 1.0250) | " in markdown and "| 66.0 |" in markdown
    assert f"lmul report DESIGNS --tech asap7 --clock {language.CLOCK:g} -o DIR" in markdown
    assert "var(--ink)" in (tmp_path / "claims.html").read_text(encoding="utf-8")
