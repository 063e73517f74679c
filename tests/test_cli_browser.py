"""Pages as a reader has them: in headless Chromium, in a wide and a narrow window, light and dark."""

import pytest
from browser import CONTRAST, SPILLED, Browser, chromium
from invented import invented
from lmul.cli import pages

WINDOWS = {"desktop": (1280, 900), "phone": (390, 844)}

#: Tables, and for each whether it scrolls and whether a note above says so.
TABLES = """[...document.querySelectorAll(".table")].map(each => [each.ariaLabel, each.scrollWidth > each.clientWidth,
  each.previousElementSibling.className === "scrolls" && !each.previousElementSibling.hidden])"""

COLUMN = """[...document.querySelectorAll("table.sortable")].find(
  each => each.caption.textContent.startsWith("asap7: every row"))"""


@pytest.fixture(scope="module")
def browser():
    path = chromium()
    if not path:
        pytest.skip("Chromium must be installed to look at pages, as by `apt-get install chromium`, and is not")
    with Browser(path) as found:
        yield found


@pytest.fixture(scope="module")
def record(seed):
    return invented(seed)


@pytest.fixture(scope="module")
def page(record, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    pages.write_pages(record, folder)
    return folder / "report.html"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("window", WINDOWS)
def test_a_page_can_be_read(browser, page, window, dark):
    browser.show(page, *WINDOWS[window], dark)
    assert browser.run("getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 24, 28)" if dark else "rgb(254, 254, 254)")
    browser.run('document.querySelectorAll("details").forEach(each => each.open = true)')
    assert browser.run(CONTRAST) == []
    assert browser.run(SPILLED) == []
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    tables = browser.run(TABLES)
    assert tables and [label for label, scrolls, told in tables if scrolls != told] == []
    assert any(scrolls for _, scrolls, _ in tables)
    assert browser.run("""[...document.querySelectorAll(".stacked")].every(
        each => each.parentElement.scrollWidth <= each.parentElement.clientWidth)""")


@pytest.mark.parametrize("window", WINDOWS)
def test_the_answer_is_on_the_first_screen(browser, page, window):
    browser.show(page, *WINDOWS[window], False)
    height = WINDOWS[window][1]
    cell, picture = browser.run("""[document.querySelector(".stacked td"), document.querySelector("svg")].map(
        each => each.getBoundingClientRect().bottom)""")
    assert cell < height < 10 * height and (picture < 2 * height or window == "phone")
    assert browser.run("""[...document.querySelectorAll("figure")].every(each => each.querySelector("svg"))""")


def test_rows_are_sorted_by_a_click_and_sorted_back(browser, record, page):
    browser.show(page, *WINDOWS["desktop"], False)
    head = f'[...{COLUMN}.tHead.rows[0].cells].find(each => each.textContent === "area, µm²")'
    column = f"[...{COLUMN}.tBodies[0].rows].map(row => row.cells[{head}.cellIndex].textContent)"
    areas = [row["area_um2"] for row in record["rows"] if row["technology"] == "asap7"]
    for order in ("ascending", "descending"):
        browser.run(f'{head}.querySelector("button").click()')
        shown = [float(cell) for cell in browser.run(column)]
        assert shown == pytest.approx(sorted(areas, reverse=order == "descending"), rel=1e-3)
        assert browser.run(f'{head}.getAttribute("aria-sort")') == order


def test_a_page_without_its_script_has_every_row(browser, record, page):
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.show(page, *WINDOWS["desktop"], False)
        rows = browser.run(f"{COLUMN}.tBodies[0].rows.length")
        assert rows == len([row for row in record["rows"] if row["technology"] == "asap7"])
        assert not browser.run('document.querySelector("thead button")')
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)
