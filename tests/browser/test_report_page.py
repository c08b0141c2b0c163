"""report.html in a real browser: everything is shown, nothing of the data runs, and it is there at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import report_pages
from report_pages import CULPRIT, HOSTILE
from rkmend.words import Language

pytestmark = pytest.mark.browser

SECTIONS = [
    "verdict", "culprit", "network", "cause", "mends", "hardware", "verification", "findings", "trials", "reproduce",
    "surroundings",
]  # fmt: skip
READY = "#page[data-interactive]"
INTERACTIVE = "performance.getEntriesByName('rkmend:interactive')[0].startTime"
SOON = 2000
"""Milliseconds until the map of a large network answers, on an idle machine with two cores."""


@pytest.fixture(scope="module")
def mended(tmp_path_factory) -> Path:
    return report_pages.mended(tmp_path_factory.mktemp("mended"))


@pytest.fixture
def opened(chromium):
    """Opens a page, in a context of its own; a script error or an attempt to reach the network fails the test."""
    contexts, wrong = [], []

    def open_page(path: Path, **options):
        context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "locale": "en-US", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: message.type == "error" and wrong.append(message.text))
        page.on("request", lambda request: _outside(request.url) and wrong.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector(READY)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong


def _outside(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:"))


def test_everything_is_there_from_the_verdict_down(opened, mended):
    page = opened(mended)
    assert page.locator("main > section").evaluate_all("all => all.map(one => one.id)") == SECTIONS
    assert page.locator(".answer").inner_text().startswith("mended: ")
    assert page.locator("#culprit .box", has_text="culprit").count() == 1
    assert page.locator("#culprit .box", has_text="new").count() == 3
    assert "1×128×4×1198" in page.locator("#culprit .wires").first.text_content()
    assert page.locator("#cause").get_by_text("width rounded up to a multiple of 16").is_visible()
    assert page.locator("#mends").get_by_text("polynomial-identity").is_visible()
    assert page.locator("#verification .depth circle.whole").count() == 4
    assert page.locator("#hardware img").count() >= 2
    for picture in page.locator("#hardware img").all():
        assert picture.evaluate("async image => (await image.decode(), image.naturalWidth)") > 100
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_nothing_of_the_data_runs(opened, mended):
    page = opened(mended)
    page.evaluate("() => { window.hacked = () => { window.wasHacked = true } }")
    page.locator("#network details.list summary").click()
    page.locator("#network details.list").get_by_text(HOSTILE).first.wait_for()
    page.locator(".log summary").first.click()
    page.locator(".log pre", has_text=HOSTILE).first.wait_for()
    assert page.locator("img[src='x']").count() == 0
    assert not page.evaluate("window.wasHacked")


def test_an_operator_is_selected_on_the_map_and_its_command_copied(opened, mended):
    page = opened(mended, permissions=["clipboard-read", "clipboard-write"])
    network = page.locator("#network")
    network.get_by_role("searchbox").fill(CULPRIT)
    network.get_by_role("searchbox").press("Enter")
    panel = network.get_by_role("complementary")
    assert panel.locator("code").first.inner_text() == CULPRIT
    assert panel.get_by_text("RKM101").first.is_visible()
    panel.get_by_role("link", name="RKM101").first.click()
    page.locator("#rule-RKM101[open]").wait_for()
    panel.get_by_role("button", name="Copy repro command").first.click()
    panel.get_by_text("Copied").wait_for()
    command = page.evaluate("navigator.clipboard.readText()")
    assert command.startswith("rkmend plan ") and command.endswith(CULPRIT)
    network.locator("canvas").focus()
    page.keyboard.press("ArrowDown")
    panel.get_by_text("/head/act/").first.wait_for()


def test_the_map_is_coloured_by_finding_cycles_and_error(opened, mended):
    page = opened(mended)
    network = page.locator("#network")
    legend = network.locator(".legend")
    assert "culprit" in legend.inner_text()
    network.get_by_role("button", name="error", exact=True).click()
    assert "not measured" in legend.inner_text()
    network.get_by_role("button", name="Mended").click()
    network.get_by_role("button", name="cycles", exact=True).click()
    assert "on the CPU" in legend.inner_text()
    before = network.locator("canvas").screenshot()
    network.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(100)
    assert network.locator("canvas").screenshot() != before


def test_a_box_of_the_close_up_is_reached_with_keys(opened, mended):
    page = opened(mended)
    box = page.locator("#culprit .box[tabindex='0']").first
    assert CULPRIT in box.get_attribute("aria-label")
    box.focus()
    page.keyboard.press("ArrowUp")
    assert "Relu" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("Enter")
    assert HOSTILE in page.locator("#culprit aside").inner_text()


def test_logs_are_searched_all_at_once(opened, mended):
    page = opened(mended)
    logs = page.locator("#trials .logs")
    logs.get_by_role("searchbox").fill("e rknn")
    assert "1 lines in 1 logs" in logs.inner_text()
    logs.get_by_role("button", name="Next").click()
    assert logs.locator("mark.current").inner_text() == "E RKNN"


def test_the_language_is_the_data_s_and_switches_without_losing_anything(opened, tmp_path):
    page = opened(report_pages.mended(tmp_path, Language.ZH))
    assert page.evaluate("document.documentElement.lang").startswith("zh")
    assert page.get_by_role("heading", name="整个网络").is_visible()
    page.locator(".log summary").first.click()
    page.get_by_role("button", name="EN", exact=True).click()
    assert page.get_by_role("heading", name="The whole network").is_visible()
    assert page.locator(".log[open]").count() == 1
    page.reload()
    page.wait_for_selector(READY)
    assert page.evaluate("document.documentElement.lang") == "en"


def test_the_colours_are_the_system_s_until_they_are_chosen(opened, mended):
    page = opened(mended, color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(13, 17, 23)"
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Auto").click()
    assert page.evaluate(paper) == "rgb(13, 17, 23)"


def test_on_paper_folds_are_open_logs_are_not_and_all_is_undone(opened, mended):
    page = opened(mended, color_scheme="dark")
    closed = page.locator("details:not([open])").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("details:not([open]):not(.log, .list)").count() == 0
    assert page.locator(".log[open]").count() == 0
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".switches").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == closed


@pytest.mark.parametrize("width", [360, 768])
def test_narrow_screens_need_no_scrolling_sideways(opened, mended, width):
    page = opened(mended, viewport={"width": width, "height": 800}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#network canvas").bounding_box()["width"] > 0.8 * width


@pytest.mark.parametrize("language", ["EN", "中文"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, mended, language, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(mended, color_scheme=scheme)
    page.get_by_role("button", name=language, exact=True).click()
    for fold in page.locator("main details > summary").all():
        fold.click()
    page.locator("#culprit .box").first.click()
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not serious, json.dumps(
        [(one["id"], [node["target"] for node in one["nodes"]]) for one in serious]
    )


def test_a_large_network_answers_soon(opened, tmp_path):
    page = opened(report_pages.large(tmp_path, 1500))
    assert "1500" in page.locator("#network canvas").get_attribute("aria-label")
    # of three, the fastest: other tests run at the same time
    times = [page.evaluate(INTERACTIVE)]
    for _ in range(2):
        page.reload()
        page.wait_for_selector(READY)
        times.append(page.evaluate(INTERACTIVE))
    assert min(times) < SOON
    page.locator("#network canvas").click()  # the worker is still laying it out, and the map answers


@pytest.mark.parametrize("kind", report_pages.OTHERS)
def test_every_status_has_a_page(opened, tmp_path, kind):
    page = opened(report_pages.OTHERS[kind](tmp_path))
    assert page.locator(".answer").inner_text()
    shown = page.locator("main > section").evaluate_all("all => all.map(one => one.id)")
    assert shown[0] == "verdict" and ("network" in shown) == (kind != "gone")
    if kind == "gone":
        assert page.locator(".note").first.is_visible()  # says that the models are gone


def test_a_broken_page_says_so_and_keeps_the_story(chromium, mended, tmp_path):
    text = mended.read_text()
    start = text.index('data-packing="gzip">') + len('data-packing="gzip">')
    broken = tmp_path / "broken.html"
    broken.write_text(text[:start] + "AAAA" + text[text.index("</script>", start) :])
    context = chromium.new_context(locale="en-US")
    page = context.new_page()
    page.goto(broken.as_uri())
    page.get_by_text("The data of this page cannot be read").wait_for()
    assert "What failed" in page.locator("pre").first.inner_text()
    context.close()
