"""Fixtures that more than one room needs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# A shell starts what it puts in the background with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "tests")]


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory) -> None:
    """A cache of the session's own: cold at first, and what tests leave in it is nobody's; the toolkits are shared."""
    from rkmend.paths import cache_dir

    toolkits = cache_dir() / "toolkits"
    toolkits.mkdir(parents=True, exist_ok=True)
    cache = tmp_path_factory.mktemp("cache")
    (cache / "toolkits").symlink_to(toolkits)
    os.environ["RKMEND_CACHE"] = str(cache)


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of real networks; tests that want them are skipped where it is not."""
    folder = Path(os.environ.get("RKMEND_MODELS", ROOT.parent / "shared" / "models"))
    if not folder.is_dir():
        pytest.skip("no folder of real networks: set RKMEND_MODELS")
    return folder


@pytest.fixture(scope="session")
def toolkit():
    """The default toolkit, installed on first use."""
    from rkmend.toolkit.environments import ensure

    return ensure()


@pytest.fixture(scope="session")
def bench(toolkit, tmp_path_factory):
    """Warm workers for the trials of rules."""
    from rkmend.toolkit.trials import Trials
    from rule_bench import Bench

    folder = tmp_path_factory.mktemp("bench")
    with Trials(folder / "trials", parallel=1) as trials:
        yield Bench(trials, toolkit, folder)


@pytest.fixture(scope="session")
def seed_model(tmp_path_factory) -> Path:
    """The model of the case that started rkmend."""
    import make_seed
    import onnx

    path = tmp_path_factory.mktemp("seed") / "seed_conv.onnx"
    onnx.save(make_seed.seed_model(), path)
    return path
