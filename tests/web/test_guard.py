"""Who gets in, and what every answer carries."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkmend.web.guard import HEADERS, Door

PRIVATE = [
    "/",
    "/assets/app.js",
    "/api/about",
    "/api/runs",
    "/api/events",
    "/api/runs/0123456789abcdef/all.zip",
]


def test_the_token_is_exchanged_for_a_cookie_that_scripts_do_not_see(served):
    with httpx.Client(base_url=served.base) as browser:
        answer = browser.get("/", params={"token": served.token})
        assert answer.status_code == 303 and answer.headers["location"] == "/"
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie and served.token not in cookie
        assert browser.get("/").status_code == 200
        assert browser.get("/api/about").status_code == 200


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"cookie": "rkmend-0=x"},
        {"cookie": "\x80="},
    ],
)
def test_nobody_gets_in_without_a_token(served, path, headers):
    answer = httpx.get(
        served.base.rstrip("/") + path,
        headers=[(k.encode(), v.encode("latin-1")) for k, v in headers.items()],
    )
    assert answer.status_code == 401


def test_the_token_itself_is_no_cookie(served):
    cookie = {f"rkmend-{served.port}": served.token}
    assert httpx.get(f"{served.base}api/about", cookies=cookie).status_code == 401


def test_a_wrong_token_in_the_link(served):
    answer = httpx.get(served.base, params={"token": served.token[:-1]})
    assert answer.status_code == 401 and "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1.evil.example:{port}"],
)
def test_a_foreign_host_is_refused(served, host):
    """A name of somebody's that was made to point at 127.0.0.1 (DNS rebinding)."""
    for path in PRIVATE:
        answer = served.client.get(path, headers={"host": host.format(port=served.port)})
        assert answer.status_code == 421, path


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}"])
def test_the_names_of_this_machine_are_good(served, host):
    answer = served.client.get("/api/about", headers={"host": host.format(port=served.port)})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1:{port}",
        "http://127.0.0.1:1",
        "http://evil.example:{port}",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/about"), ("POST", "/api/uploads"), ("DELETE", "/api/uploads/0")]
)
def test_a_foreign_origin_is_refused(served, origin, method, path):
    answer = served.client.request(method, path, headers={"origin": origin.format(port=served.port)})
    assert answer.status_code == 403


def test_a_form_of_another_site_is_refused(served):
    """A browser sends the Origin with each POST; what has a cookie and no Origin is not a browser's doing."""
    with httpx.Client(base_url=served.base) as browser:
        browser.get("/", params={"token": served.token})
        assert browser.post("/api/uploads").status_code == 403
        assert browser.post("/api/uploads", headers={"origin": served.base.rstrip("/")}).status_code == 201


def test_what_another_site_embeds_is_refused(served):
    for mode in ("no-cors", "cors", "navigate"):
        headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": mode}
        assert served.client.get("/api/runs", headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/", "/api/about", "/nowhere", "/api/runs/nowhere", "/assets/../guard.py"])
def test_every_answer_carries_the_headers(served, path):
    for client in (served.client, httpx.Client(base_url=served.base)):
        headers = client.get(path).headers
        assert HEADERS.items() - headers.items() <= {
            ("content-security-policy", HEADERS["content-security-policy"])
        }
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_policy_of_the_page_allows_nothing_inline(served):
    policy = served.client.get("/").headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy


@given(st.text(max_size=40), st.integers(0, 70000))
def test_only_names_of_this_machine_are_ours(name, port):
    door = Door("127.0.0.1", 8765)
    if door.is_ours(f"{name}:{port}"):
        assert port == 8765 and (
            name == "localhost" or name.startswith("127.") or "::1" in name or "0:1" in name
        )


def test_on_all_addresses_any_address_is_ours_and_no_name():
    door = Door("0.0.0.0", 80)
    assert (
        door.is_ours("192.168.1.4:80")
        and door.is_ours("[fe80::1]:80")
        and not door.is_ours("evil.example:80")
    )
    assert door.url == "http://127.0.0.1:80/"
