"""Fixtures that more than one room needs."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
os.environ["LC_ALL"] = "C.UTF-8"  # what is compared with stories is English
# A shell starts what it puts in the background with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "tests")]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole conversions first, then other files with trials: no process is left alone with a long file at the end."""
    trials = {item.path for item in items if item.get_closest_marker("toolkit")}
    items.sort(key=lambda item: (item.path not in trials, item.path.parent != Path(__file__).parent))


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
def workers(toolkit):
    """Warm workers for all that runs in this process: to import the toolkit takes longer than most trials."""
    from rkmend.toolkit.workers import Workers

    workers = Workers(2)
    yield workers
    workers.close()


@pytest.fixture(scope="session")
def bench(toolkit, workers, tmp_path_factory):
    """The trials of rules."""
    from rkmend.toolkit.trials import Trials
    from rule_bench import Bench

    folder = tmp_path_factory.mktemp("bench")
    with Trials(folder / "trials", parallel=1, workers=workers) as trials:
        yield Bench(trials, toolkit, folder)


@pytest.fixture(scope="session")
def convert(workers):
    """`rkmend.convert` for rk3588 on the warm workers of the session."""
    from rkmend.conversion import Converter, Wishes

    def converted(model, *, out, target="rk3588", limits=None, **wishes):
        with Converter(target, limits=limits, workers=workers) as converter:
            return converter.convert(model, out, Wishes(**wishes))

    return converted


@pytest.fixture(scope="session")
def seed_model(tmp_path_factory) -> Path:
    """The model of the case that started rkmend."""
    return _seed(tmp_path_factory.mktemp("seed"))


@pytest.fixture(scope="session")
def low_seed(tmp_path_factory) -> Path:
    """The same with fewer rows, which fails alike at a tenth of the cost."""
    return _seed(tmp_path_factory.mktemp("low_seed"), height=12)


def _seed(folder: Path, **size: int) -> Path:
    import make_seed
    import onnx

    path = folder / "seed_conv.onnx"
    onnx.save(make_seed.seed_model(**size), path)
    return path
