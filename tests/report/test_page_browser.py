"""Pages in a real browser: charts drawn, tables sorted, nothing loaded, hostile text inert, right at both widths."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from planner import cli
from tests.conftest import ROOT
from tests.policy.projects import Project

pytestmark = pytest.mark.browser

PRETRAIN = "scenarios/examples/llama-3.1-405b-pretrain.yaml"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync")
HOSTILE = '</script><script>window.bad=1</script><img src=x onerror=window.bad=1>" onmouseover="window.bad=1'
WIDTHS = (1280, 390)
PAGES = {
    "estimate": ("estimate", PRETRAIN),
    "place": ("estimate", "scenarios/examples/machine-room.yaml"),
    "sum": ("estimate", "scenarios/examples/a-year-of-training.yaml"),
    "comparison": ("compare", PRETRAIN, "--variants"),
    "service": ("estimate", "scenarios/examples/llama-3.1-70b-service.yaml"),
    "search": ("search", "scenarios/examples/llama-3.1-8b-on-trainium.yaml", "--nodes", "p5.48xlarge,trn1.32xlarge"),
    "services": ("search", "scenarios/examples/llama-3.1-70b-service.yaml", "--nodes", "p5.48xlarge,inf2.xlarge"),
    "check": ("check", "--no-baseline"),
}
RULES = "budgets: [{id: all, metric: cost_total_usd, deny: 1 M USD}]\nbaseline: {ref: main}\n"


def chromium() -> str:
    """Give the browser's path: $CHROMIUM, or the first that this machine has; "" for none."""
    named = os.environ.get("CHROMIUM", "")
    return named or next((found for name in NAMES if (found := shutil.which(name))), "")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not chromium():
        pytest.skip("no Chromium: set CHROMIUM, or install it")
    if not all(importlib.util.find_spec(name) for name in ("altair", "vl_convert")):
        pytest.skip("needs the extra 'report'")
    from playwright.sync_api import sync_playwright

    options = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else list(QUIET)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=options)
        yield found
        found.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each kind of page as a file, made once, and one whose every text is hostile."""
    folder = tmp_path_factory.mktemp("pages")
    hostile = folder / "hostile.yaml"
    hostile.write_text(
        f"schema: planner/scenario/v1\nname: {json.dumps(HOSTILE)}\ntitle: {json.dumps(HOSTILE)}\n"
        "workload: {kind: training, model: llama-3.1-8b, tokens: 1 B, sequence_length: 8192, global_batch: 64}\n"
        "hardware: {node: p5.48xlarge, accelerators: 8, term: on-demand}\nparallelism: {sharding: zero-3}\n"
        "variants: {spot: {hardware.term: spot}}\n"
    )
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        asked = {**PAGES, "hostile": ("compare", str(hostile), "--variants")}
        for name, arguments in asked.items():
            assert cli.run([*arguments, "--output", f"html={folder / name}.html"]) == 0
        changed = Project.new(folder / "project", RULES, "alpha", "beta", "gone")
        changed.price(60.0)
        changed.scenario("alpha", tokens="500 B")
        (changed.root / "scenarios/gone.yaml").unlink()
        asked["changes"] = ("check", str(changed.root))
        assert cli.run([*asked["changes"], "--output", f"html={folder / 'changes'}.html"]) == 0
    finally:
        os.chdir(before)
    return {name: folder / f"{name}.html" for name in asked}


@dataclass
class Opened:
    """A page in the browser, with what it said and asked for."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def count(self, selector: str) -> int:
        return int(self.page.locator(selector).count())


def opened(browser: Any, path: Path, *, width: int = 1280) -> Opened:
    found = Opened(browser.new_page(viewport={"width": width, "height": 900}))
    found.page.on("console", lambda message: found.said.append(f"{message.type}: {message.text}"))
    found.page.on("pageerror", lambda error: found.said.append(str(error)))
    found.page.on("request", lambda request: found.asked.append(request.url))
    found.page.goto(path.as_uri())
    found.page.wait_for_function("document.documentElement.dataset.drawn", timeout=60_000)
    return found


@pytest.mark.parametrize("name", [*PAGES, "hostile", "changes"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_chart_is_drawn_without_a_word_on_the_console_or_a_request(
    browser: Any, pages: dict[str, Path], name: str, width: int
) -> None:
    found = opened(browser, pages[name], width=width)
    assert found.said == []
    assert found.asked == [pages[name].as_uri()]
    charts = found.count("[data-chart]")
    assert charts == found.count("[data-chart] svg")
    assert charts or name == "check"
    # The mark of every chart: something is drawn in each, and none is wider than what it stands in.
    marks_and_widths = (
        "[...document.querySelectorAll('[data-chart]')].map(c => [c.querySelectorAll('svg .mark-rect path,"
        " svg .mark-symbol path, svg .mark-line path, svg .mark-rule line').length,"
        " c.querySelector('svg').getBoundingClientRect().width - c.getBoundingClientRect().width])"
    )
    drawn = found.page.evaluate(marks_and_widths)
    assert all(marks > 0 and over <= 1 for marks, over in drawn)
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    # No number or name in a chart is cut by its edge.
    cut = (
        "[...document.querySelectorAll('[data-chart] svg')].flatMap(s => [...s.querySelectorAll('text')].filter(t => {"
        " const a = s.getBoundingClientRect(), b = t.getBoundingClientRect();"
        " return b.width && (b.left < a.left - 1 || b.right > a.right + 1 || b.top < a.top - 1"
        " || b.bottom > a.bottom + 1); }).map(t => t.textContent))"
    )
    assert found.page.evaluate(cut) == []
    found.page.close()


def test_a_page_is_at_most_two_megabytes(pages: dict[str, Path]) -> None:
    assert all(path.stat().st_size <= 2_000_000 for path in pages.values())


def test_a_table_sorts_by_number_and_by_keyboard(browser: Any, pages: dict[str, Path]) -> None:
    found = opened(browser, pages["place"])
    table = found.page.locator("table", has=found.page.locator("caption", has_text="The parts"))
    button = table.get_by_role("button", name="nodes that fit")
    values = "t => [...t.tBodies[0].rows].map(r => r.cells[1].dataset.value)"
    button.click()
    rising = [float(v) for v in table.evaluate(values) if v]
    assert rising == sorted(rising)
    assert len(set(rising)) > 3
    button.press("Enter")
    falling = [float(v) for v in table.evaluate(values) if v]
    assert falling == sorted(falling, reverse=True)
    assert table.locator("th[aria-sort=descending]").inner_text() == "nodes that fit"
    # What is unknown is last either way.
    told = table.evaluate(values)
    assert told.index("") == len(falling) if "" in told else True
    assert found.said == []
    found.page.close()


def test_the_filter_works_by_keyboard_and_reaches_charts_and_tables(browser: Any, pages: dict[str, Path]) -> None:
    found = opened(browser, pages["comparison"])
    chart = found.page.locator("[data-chart='range-days']")
    assert "@fp8" in chart.inner_text()
    box = found.page.get_by_role("checkbox", name="B @fp8")
    box.focus()
    found.page.keyboard.press("Space")
    found.page.wait_for_function("!document.querySelector(\"[data-chart='range-days']\").textContent.includes('@fp8')")
    assert "@half" in chart.inner_text()
    assert found.page.locator("tr[data-choice='B']:visible").count() == 0
    assert found.page.locator("figure[data-choice='B']:visible").count() == 0
    found.page.keyboard.press("Space")
    found.page.wait_for_function("document.querySelector(\"[data-chart='range-days']\").textContent.includes('@fp8')")
    assert found.said == []
    found.page.close()


def test_pointing_at_a_bar_shows_its_numbers(browser: Any, pages: dict[str, Path]) -> None:
    found = opened(browser, pages["estimate"])
    found.page.locator("[data-chart='seconds'] .mark-rect path").first.hover()
    tip = found.page.locator("#vg-tooltip-element.visible")
    tip.wait_for(timeout=5000)
    assert "matrix products" in tip.inner_text()
    found.page.close()


def test_text_of_others_stays_text_in_the_page_its_charts_and_its_tooltips(
    browser: Any, pages: dict[str, Path]
) -> None:
    found = opened(browser, pages["hostile"])
    assert HOSTILE in found.page.locator("dl.facts").inner_text()
    assert found.count("img") == 0
    found.page.locator("[data-chart='range-days'] .mark-rule line").first.hover(force=True)
    found.page.wait_for_timeout(200)
    assert found.page.evaluate("window.bad") is None
    assert found.said == []
    found.page.close()


def test_no_script_but_its_own_runs_and_nothing_can_be_fetched(browser: Any, pages: dict[str, Path]) -> None:
    found = opened(browser, pages["estimate"])
    for made in (
        "s = document.createElement('script'); s.textContent = 'window.bad = 1'; document.body.append(s)",
        "s = document.createElement('button'); s.setAttribute('onclick', 'window.bad = 1'); s.click()",
        # Later, since what a test asks for itself may make code from text.
        "setTimeout(() => new Function('window.bad = 1')())",
    ):
        found.page.evaluate(f"() => {{ let s; {made} }}")
    found.page.wait_for_timeout(100)
    fetched = "fetch('https://example.org/').then(() => 'fetched', () => 'refused')"
    assert found.page.evaluate(fetched) == "refused"
    assert found.page.evaluate("window.bad") is None
    assert any("Content Security Policy" in line for line in found.said)
    found.page.close()


def test_all_is_reached_by_the_tab_key_and_shown_in_print(browser: Any, pages: dict[str, Path]) -> None:
    found = opened(browser, pages["comparison"])
    reached = set()
    for _ in range(60):
        found.page.keyboard.press("Tab")
        reached.add(found.page.evaluate("document.activeElement.tagName + (document.activeElement.type || '')"))
    assert {"A", "INPUTcheckbox", "BUTTONbutton", "SUMMARY"} <= reached
    found.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    found.page.emulate_media(media="print")
    assert found.page.locator(".filter").is_hidden()
    assert found.page.locator("details:not([open])").count() == 0
    assert found.page.locator("figure table").first.is_visible()
    assert len(found.page.pdf()) > 50_000
    found.page.close()


def test_without_scripts_all_numbers_are_still_there(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["estimate"].as_uri())
    assert "Charts and sorting need scripts" in page.locator("noscript").inner_text()
    assert page.locator("#numbers table").first.is_visible()
    context.close()


def test_charts_are_files_of_their_own_and_one_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    folder, whole = tmp_path / "charts", tmp_path / "all.svg"
    assert cli.run(["estimate", PRETRAIN, "--output", f"svg={folder}", "--output", f"svg={whole}"]) == 0
    files = sorted(folder.iterdir())
    assert {"seconds.svg", "dollars.svg", "memory.svg", "scaling.svg"} <= {file.name for file in files}
    for file in (*files, whole):
        root = ElementTree.fromstring(file.read_text("utf-8"))  # noqa: S314
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert not tags & {"script", "image", "foreignObject", "a"}
    ids = [e.get("id") for e in ElementTree.fromstring(whole.read_text("utf-8")).iter() if e.get("id")]  # noqa: S314
    assert len(ids) == len(set(ids))
    assert "matrix products" in whole.read_text("utf-8")
