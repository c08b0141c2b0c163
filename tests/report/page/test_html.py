"""The file: nothing in a name or a log ends its script or reaches the network, and it is the same every time."""

from __future__ import annotations

import base64
import getpass
import gzip
import json
import re
from datetime import datetime, timezone
from html.parser import HTMLParser
from pathlib import Path

import pytest
from graphs import linear
from page_results import results

from rkmend.report.page.assemble import page_data
from rkmend.report.page.html import asset, packed, render
from rkmend.words import Language

THEN = datetime(2026, 1, 2, tzinfo=timezone.utc)


class Parsed(HTMLParser):
    """Elements with their attributes, and the text within scripts and noscript."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {}
        self._open = ""
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open = dict(attrs).get("id") or tag

    def handle_endtag(self, tag):
        self._open = ""

    def handle_data(self, data):
        self.inside[self._open] = self.inside.get(self._open, "") + data

    def data(self) -> dict:
        return json.loads(gzip.decompress(base64.b64decode(self.inside["data"])))


def page(path: Path, story: str = "story", language: Language = Language.EN, **more) -> bytes:
    return render(page_data(results(path, **more), language, made=THEN), story)


def test_the_data_is_whole(tmp_path):
    found = Parsed(page(linear(tmp_path / "m.onnx"))).data()
    assert found["schema"] == "rkmend-page/1"
    assert [node["name"] for node in found["graphs"]["original"]["nodes"]] == ["mm", "add"]


def test_names_and_logs_stay_text(hostile_model):
    log = "</script><script>alert(2)</script> <!-- \u2028 \x00".encode()
    story = "</pre></noscript><script>alert(3)</script>"
    made = page(hostile_model, story, logs={"01": log})
    parsed = Parsed(made)
    assert [tag for tag, _ in parsed.elements].count("script") == 2  # the data and the program
    assert not [tag for tag, _ in parsed.elements if tag == "img"]
    assert "alert(1)" not in made.decode() and "alert(2)" not in made.decode()
    assert parsed.inside["pre"] == story
    found = parsed.data()
    names = [node["name"] for node in found["graphs"]["original"]["nodes"]]
    assert names[:2] == ["</script><img src=x onerror=alert(1)>", "line\u2028paragraph\u2029end"]
    assert names[3:] == ["网络/层一/卷积", "\x1b[31mred\x07 {braces} %s ${dollar} \\u003c", "<!--<script>"]
    assert len(names[2]) <= 200
    assert found["logs"][0]["text"] == log.decode()


def test_a_hostile_path_stays_text_in_the_title(tmp_path):
    path = linear(tmp_path / "<b>&.onnx")
    parsed = Parsed(page(path))
    assert "<b>&.onnx" in parsed.inside["title"]
    assert not [tag for tag, _ in parsed.elements if tag == "b"]


def test_nothing_is_fetched(tmp_path):
    made = page(linear(tmp_path / "m.onnx")).decode()
    parsed = Parsed(made.encode())
    for _tag, attributes in parsed.elements:
        assert not {"src", "href", "action", "data"} & set(attributes)
    policy = dict(parsed.elements[[tag for tag, _ in parsed.elements].index("meta") + 1][1])
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"].startswith("default-src 'none';")
    assert "http:" not in policy["content"] and "unsafe-eval" not in policy["content"]
    assert not re.search(r"@import|url\((?!data:)", parsed.inside["style"])


@pytest.mark.parametrize(("language", "lang"), [(Language.EN, "en"), (Language.ZH, "zh-CN")])
def test_the_language_is_that_of_the_document(tmp_path, language, lang):
    parsed = Parsed(page(linear(tmp_path / "m.onnx"), language=language))
    assert parsed.elements[0] == ("html", {"lang": lang})
    assert parsed.data()["language"] == language.value
    assert ("已转换" in parsed.inside["title"]) is (language is Language.ZH)


def test_the_same_results_make_the_same_page(tmp_path):
    path = linear(tmp_path / "m.onnx")
    made = results(path, logs={"01": b"log"})
    pages = {render(page_data(made, Language.EN, made=THEN), "story") for _ in range(3)}
    assert len(pages) == 1


def test_what_is_the_users_own_is_left_out(tmp_path):
    log = b"/home/somebody/models/net.onnx and /Users/somebody else"
    made = Parsed(page(linear(tmp_path / "m.onnx"), "in /home/somebody/x", logs={"01": log}))
    assert made.data()["logs"][0]["text"] == "~/models/net.onnx and ~ else"
    assert made.inside["pre"] == "in ~/x"
    assert getpass.getuser() == "root" or getpass.getuser() not in json.dumps(made.data())


def test_packing_is_what_browsers_unpack():
    text = "网络 \u2028 </script>" * 1000
    told = packed(text)
    assert re.fullmatch(r"[A-Za-z0-9+/]+=*", told)
    assert gzip.decompress(base64.b64decode(told)).decode() == text
    assert len(told) < len(text) / 10


def test_the_program_and_the_style_are_built():
    assert "DecompressionStream" in asset("page.js")
    assert "</script" not in asset("page.js").lower().replace("<\\/script", "")
    assert "prefers-color-scheme" in asset("page.css") or "color-scheme" in asset("page.css")
