"""One server for the tests that leave nothing behind in it."""

from __future__ import annotations

import pytest

from web_server import in_process


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with in_process(tmp_path_factory.mktemp("served")) as server:
        yield server
