"""Takes the pictures of the README and of the site anew: docs/pictures/*.png.

python examples/screenshots.py          needs Chromium and the development packages; converts two models, some minutes
python examples/screenshots.py FOLDER   keeps what is converted in a folder, and converts nothing that is there
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from make_unet import unet
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, sync_playwright

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
CHROMIUM = os.environ.get("CHROMIUM", shutil.which("chromium") or "/usr/bin/chromium")
SIZE = {"width": 1200, "height": 800}
COLOURS = 192
"""Of a picture: enough for text and flat colours, at a third of the size."""


def main(work: Path) -> None:
    """Takes all pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    fp16 = converted(work, "unet", unet())
    int8 = converted(work, "unet-int8", unet(), "--quantize", str(calibration(work / "calibration")))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        reports(browser, fp16, int8)
        local_page(browser, work)
        browser.close()


def calibration(folder: Path) -> Path:
    """A few inputs of the network, smooth as pictures are."""
    folder.mkdir(exist_ok=True)
    across, down = np.meshgrid(np.linspace(0, 6, 128), np.linspace(0, 6, 128))
    for number in range(4):
        waves = [np.sin(across * (number + channel) + down * channel) for channel in (1, 2, 3)]
        np.save(folder / f"{number}.npy", np.stack(waves)[np.newaxis].astype(np.float32))
    return folder


def converted(work: Path, name: str, model: onnx.ModelProto, *options: str) -> Path:
    """The report of a model, which is converted unless that was done."""
    results = work / f"{name}.rkmend"
    if not (results / "report.html").exists():
        onnx.save(model, work / f"{name}.onnx")
        command = [sys.executable, "-m", "rkmend", "convert", f"{name}.onnx", "--target", "rk3588"]
        subprocess.run([*command, *options, "--lang", "en", "--no-explain", "--force"], cwd=work, check=True)
    command = [sys.executable, "-m", "rkmend", "report", results.name, "--lang", "en"]
    subprocess.run(command, cwd=work, check=True)  # with the page as it is now
    return results / "report.html"


def reports(browser: Browser, fp16: Path, int8: Path) -> None:
    """The verdict in both languages; the network by night, a culprit selected, and by day, coloured by its error."""
    with opened(browser, fp16.as_uri()) as page:
        taken(page, "report")
        page.get_by_role("button", name="中文").click()
        taken(page, "report-zh")
    with opened(browser, fp16.as_uri(), dark=True) as page:
        network = page.locator("#network")
        network.get_by_role("button", name="/up2/up").first.click()
        taken(page, "report-network-dark", network)
    with opened(browser, int8.as_uri()) as page:
        network = page.locator("#network")
        network.get_by_role("button", name="error").click()
        taken(page, "report-error", network)


def local_page(browser: Browser, work: Path) -> None:
    """The local page: a model that was dropped, its run under way, the end."""
    command = [
        sys.executable,
        "-m",
        "rkmend",
        "serve",
        "--port",
        "0",
        "--no-open",
        "--data",
        str(work / "data"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            address = next(word for line in server.stdout for word in line.split() if word.startswith("http"))
            with opened(browser, address) as page:
                page.locator("input[type=file]").first.set_input_files(work / "unet.onnx")
                start = page.locator("button[type=submit]")
                start.wait_for()
                taken(page, "page-model")
                page.locator("#explain").uncheck()
                start.click()
                page.get_by_text("explicit-pads").first.wait_for(timeout=600_000)
                taken(page, "page-running")
                page.get_by_role("link", name="report").first.wait_for(timeout=600_000)
                taken(page, "page-done")
        finally:
            server.terminate()


@contextmanager
def opened(browser: Browser, address: str, *, dark: bool = False) -> Iterator[Page]:
    """A page, when it has drawn itself."""
    scheme = "dark" if dark else "light"
    page = browser.new_page(viewport=SIZE, color_scheme=scheme, locale="en-GB", reduced_motion="reduce")
    page.goto(address)
    page.wait_for_timeout(1500)
    yield page
    page.close()


def taken(page: Page, name: str, part: Locator | None = None) -> None:
    """Writes a picture of what the window shows, or of a part of the page."""
    page.wait_for_timeout(700)
    path = PICTURES / f"{name}.png"
    (part or page).screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder))
