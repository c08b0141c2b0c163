"""The local page in a real browser, on the real toolkit."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import pytest
from axe_playwright_python.sync_playwright import Axe
from graphs import model, node, value
from models import conv

from web_server import descendants, gone, whole

pytestmark = [pytest.mark.browser, pytest.mark.toolkit]

MINUTES = 240_000
"""Milliseconds that a run may take on a machine under load."""
SEEN_BY_DROP = """async ([zone, files]) => {
  const data = new DataTransfer();
  for (const { name, content } of files)
    data.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
  const how = { dataTransfer: data, bubbles: true, cancelable: true };
  for (const kind of ['dragover', 'drop']) document.querySelector(zone).dispatchEvent(new DragEvent(kind, how));
}"""


@pytest.fixture(scope="module")
def server(toolkit, tmp_path_factory):
    with whole(tmp_path_factory.mktemp("browser") / "data") as served:
        yield served


@pytest.fixture
def context(chromium):
    made = chromium.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-US", accept_downloads=True
    )
    yield made
    made.close()


@pytest.fixture
def page(context, server):
    """The page as its link opens it; whatever a script of the page throws fails the test."""
    wrong: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
    page.goto(server.link)
    assert "token" not in page.url
    page.wait_for_selector(".drop")
    yield page
    assert not wrong


def give(page, *paths: Path) -> None:
    page.set_input_files(".drop input[type=file]", [str(path) for path in paths])


def drop(page, *paths: Path) -> None:
    from base64 import b64encode

    files = [{"name": path.name, "content": b64encode(path.read_bytes()).decode()} for path in paths]
    page.evaluate(SEEN_BY_DROP, [".drop", files])


def ready(page) -> None:
    page.get_by_role("button", name="Convert", exact=True).wait_for()


def start(page, *, explain: bool = False) -> str:
    """Begins a run; gives its id."""
    ready(page)
    page.locator("#explain").set_checked(explain)
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url("**/#/run/*")
    return page.url.rpartition("/")[2]


def serious(page) -> list[str]:
    """What axe-core finds that keeps somebody out."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in ("serious", "critical")
    ]


def mended_in(page, context, server, path: Path) -> None:
    """From the drop to the downloaded file."""
    drop(page, path)
    page.get_by_text("RKM101 padding-beyond-kernel").wait_for()
    assert not serious(page)
    run = start(page)
    page.locator(".trial.bad", has_text="aborts").first.wait_for(timeout=MINUTES)
    page.locator(".verdict", has_text="mended").wait_for(timeout=MINUTES)
    assert page.locator(".trial.good").count() >= 2
    assert not serious(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the .rknn").click()
    got = download.value.path().read_bytes()
    assert download.value.suggested_filename == f"{path.stem}.rknn"
    kept = server.client.get(f"/api/runs/{run}/files/{path.stem}.rknn").content
    assert hashlib.sha256(got).digest() == hashlib.sha256(kept).digest() and got[:4] == b"RKNN"
    with context.expect_page() as opened:
        page.get_by_role("link", name="Open the report").click()
    read_report(opened.value, path)


def read_report(report, path: Path) -> None:
    """The report in its sandbox: switches, zoom, a file; and it cannot reach the page's server."""
    report.wait_for_selector("#page[data-interactive]", timeout=60_000)
    assert report.evaluate("self.origin") == "null"
    assert report.evaluate("fetch('/api/runs').then(() => 'reached', () => 'refused')") == "refused"
    report.get_by_role("button", name="中文").click()
    assert report.evaluate("document.documentElement.lang") == "zh-Hans"
    report.get_by_role("button", name="深色").click()
    assert report.evaluate("document.documentElement.dataset.theme") == "dark"
    report.get_by_role("button", name="EN", exact=True).click()
    view = report.locator("#culprit svg, #network svg").first
    before = view.inner_html()
    report.get_by_role("button", name="Zoom in").first.click()
    report.wait_for_timeout(300)
    assert view.inner_html() != before
    with report.expect_download() as download:
        report.locator(f"a[href$='{path.stem}.rknn']").first.click()
    assert download.value.path().read_bytes()[:4] == b"RKNN"


def test_a_model_is_dropped_mended_read_and_downloaded(page, context, server, low_seed):
    mended_in(page, context, server, low_seed)


@pytest.mark.slow
def test_the_seed_is_dropped_mended_read_and_downloaded(page, context, server, seed_model):
    mended_in(page, context, server, seed_model)


def test_language_and_colours_are_switched_and_remembered(page):
    page.get_by_role("button", name="中文").click()
    page.get_by_role("heading", name="转换 ONNX 模型").wait_for()
    page.get_by_role("button", name="深色").click()
    page.reload()
    page.get_by_role("heading", name="转换 ONNX 模型").wait_for()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    assert not serious(page)
    page.get_by_role("button", name="EN", exact=True).click()
    page.get_by_role("button", name="Auto").click()


def test_a_running_job_is_cancelled_after_a_reload_and_in_two_tabs(page, context, server, seed_model):
    give(page, seed_model)
    start(page)
    page.locator(".trial").first.wait_for(timeout=MINUTES)
    family = descendants(server.process.pid)
    story = page.locator(".stages > li").count()
    page.reload()
    page.locator(".trial").first.wait_for()
    assert page.locator(".stages > li").count() >= story
    other = context.new_page()
    other.goto(page.url)
    other.locator(".trial").first.wait_for()
    other.get_by_role("button", name="Cancel").click()
    for tab in (page, other):
        tab.locator(".subject .badge", has_text="cancelled").wait_for(timeout=30_000)
        assert tab.locator(".trial.busy").count() == 0
    assert len([pid for pid in family if not gone({pid}, 1.0)]) <= 1  # what looks at models stays


def test_both_tabs_show_the_same_story(page, context, tmp_path):
    give(page, conv(tmp_path / "small.onnx"))
    start(page)
    other = context.new_page()
    other.goto(page.url)
    for tab in (page, other):
        tab.locator(".verdict").wait_for(timeout=MINUTES)
    assert page.locator(".stages").inner_text() == other.locator(".stages").inner_text()
    assert page.locator("aside li").count() == other.locator("aside li").count()


def test_a_reload_before_the_start_comes_back_to_the_model(page, tmp_path):
    give(page, conv(tmp_path / "small.onnx"))
    ready(page)
    page.reload()
    ready(page)
    page.get_by_role("heading", name="small.onnx").wait_for()


@pytest.mark.parametrize("content", [b"hello", b"\x08\x08" + b"\xff" * 99, b""])
def test_a_broken_file_is_said_to_be_one_and_another_may_be_given(page, tmp_path, content):
    (tmp_path / "mine.onnx").write_bytes(content)
    give(page, tmp_path / "mine.onnx")
    page.locator(".problem", has_text="mine.onnx").wait_for()
    assert not serious(page)
    give(page, conv(tmp_path / "good.onnx"))
    ready(page)


def test_300_mb_are_refused_with_a_reason(page, tmp_path):
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(300 * 10**6)
    give(page, tmp_path / "large.onnx")
    told = page.locator(".problem")
    told.wait_for()
    assert (
        "300 MB" in told.inner_text()
        and "256 MB" in told.inner_text()
        and "command line" in told.inner_text()
    )


def test_300_mb_are_refused_by_the_server_too(page, tmp_path):
    """Whatever the page says: what is sent without asking it is not taken."""
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(300 * 10**6)
    page.evaluate("document.querySelector('.drop').innerHTML = '<input type=file id=own>'")
    page.set_input_files("#own", tmp_path / "large.onnx")
    status = page.evaluate(
        """async () => {
          const made = await (await fetch('/api/uploads', { method: 'POST' })).json();
          const body = document.querySelector('#own').files[0];
          const sent = fetch(`/api/uploads/${made.id}/files?role=model`, { method: 'POST', body });
          return sent.then((answer) => answer.status, () => 'closed');
        }"""
    )
    assert status in (413, "closed")  # a browser that still sends may see only that the connection ended


def test_open_sizes_and_constants_are_asked_for(page, tmp_path):
    nodes = [node("TopK", "x k", "y i", "top", axis=1)]
    inputs = [value("x", ["batch", "features"]), value("k", [1], onnx.TensorProto.INT64)]
    outputs = [value("y", ["batch", None]), value("i", ["batch", None], onnx.TensorProto.INT64)]
    onnx.save(model(nodes, inputs, outputs, {}, opset=12), tmp_path / "open.onnx")
    give(page, tmp_path / "open.onnx")
    ready(page)
    page.locator(".findings", has_text="RKM008").wait_for()
    assert not serious(page)
    page.get_by_label("x, axis 1").fill("32")
    page.get_by_label("x, axis 1").press("Tab")
    page.get_by_label("k: value").fill("3")
    page.get_by_label("k: value").press("Tab")
    page.locator(".findings", has_text="RKM008").wait_for(state="detached")
    page.get_by_label("x, axis 0").fill("0")
    page.get_by_role("button", name="Convert", exact=True).click()
    page.get_by_text("Every size is a whole number").wait_for()
    page.get_by_label("x, axis 0").fill("1")
    page.locator("#explain").uncheck()
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url("**/#/run/*")
    page.locator(".verdict, .problem").first.wait_for(timeout=MINUTES)


def test_int8_asks_for_calibration_data(page, tmp_path):
    give(page, conv(tmp_path / "small.onnx"))
    ready(page)
    page.get_by_role("button", name="int8").click()
    page.get_by_text("An int8 model needs calibration data.").wait_for()
    page.get_by_role("button", name="Convert", exact=True).click()
    page.locator(".problem", has_text="calibration").wait_for()
    assert not serious(page)


def test_a_pasted_log_is_read_and_its_markup_is_text(page):
    page.get_by_role("link", name="Read a log").click()
    evil = "<img src=x onerror=alert(1)>"
    line = f"E RKNN: [12:00:00.000] Failed to config layer: 'Conv:{evil}', Fatal Error"
    page.get_by_label("The log").fill(f"I rknn-toolkit2 version: 2.3.2\n{line}")
    page.get_by_role("button", name="Read it").click()
    page.locator("pre.story", has_text=evil).wait_for()
    assert page.locator("pre.story img").count() == 0
    assert not serious(page)


def test_scripts_in_names_are_text(page, tmp_path):
    """An alert would fail the fixture."""
    evil = "<img src=x onerror=alert(1)>"
    proto = onnx.load(conv(tmp_path / "m.onnx"))
    proto.graph.node[0].name = evil
    proto.graph.input[0].name = proto.graph.node[0].input[0] = f"</script>{evil}"
    onnx.save(proto, tmp_path / f"{evil.replace('/', '')}.onnx")
    give(page, tmp_path / f"{evil}.onnx")
    start(page)
    page.locator(".verdict, .problem").first.wait_for(timeout=MINUTES)
    page.get_by_role("heading", name=evil).wait_for()
    assert page.locator("main img").count() == 0


def test_the_keyboard_does_it_all(page, tmp_path):
    # The chooser is caught from the start: the browser is told so without an answer, and a key pressed
    # at once may come before it.
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.type") == "file"
        page.keyboard.press("Enter")
    chosen.value.set_files(str(conv(tmp_path / "small.onnx")))
    ready(page)
    page.locator("#target").focus()
    for _ in range(40):
        if page.evaluate("document.activeElement.type") == "submit":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/#/run/*")
    page.locator(".verdict").wait_for(timeout=MINUTES)


def test_a_narrow_screen_has_no_sideways_scroll(page, tmp_path):
    page.set_viewport_size({"width": 360, "height": 740})
    give(page, conv(tmp_path / "small.onnx"))
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_run_is_deleted_when_its_user_says_so(server, context, tmp_path):
    run = server.finish(server.start(server.upload(conv(tmp_path / "gone.onnx"))))["id"]
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(server.link)
    page.goto(f"{server.base}#/run/{run}")
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/#/")
    assert server.client.get(f"/api/runs/{run}").status_code == 404


def test_a_stranger_sees_only_that_there_is_a_lock(context, server):
    page = context.new_page()
    page.goto(server.base)
    assert "rkmend serve" in page.inner_text("body") and page.locator("#app").count() == 0
