"""Streams of events: several listen, and one that was away hears what it missed."""

from __future__ import annotations

import asyncio
import json

import pytest

from rkmend.web.errors import Refused
from rkmend.web.feed import Feed
from rkmend.web.history import History
from rkmend.web.limits import WebLimits
from rkmend.web.records import Asked, State


@pytest.fixture
def feed(tmp_path):
    history = History(tmp_path)
    feed = Feed(history, WebLimits(streams=3))
    run = history.new("m.onnx", Asked(upload="0123456789abcdef"))
    run.state = State.RUNNING
    feed.begin(run)
    return feed, history, run


async def heard(stream, until: str = "over") -> list[str]:
    """The texts of the run's events and the kinds of all others, up to one."""
    texts = []
    async for message in stream:
        fields = dict(line.split(": ", 1) for line in message.decode().splitlines() if ": " in line)
        data = json.loads(fields.get("data", "{}"))
        texts.append(
            f"{fields['id']} {data['text']}" if fields.get("event") == "run" else fields.get("event", "alive")
        )
        if texts[-1] == until:
            await stream.aclose()
            break
    return texts


def test_two_tabs_hear_the_same_and_a_third_what_it_missed(feed):
    feed, history, run = feed

    async def scene():
        tabs = [asyncio.create_task(heard(feed.stream(run, 0))) for _ in range(2)]
        await asyncio.sleep(0)
        for number in range(1, 4):
            feed.tell(run, {"text": f"step {number}"})
            await asyncio.sleep(0)
        late = asyncio.create_task(heard(feed.stream(run, 2)))
        await asyncio.sleep(0.05)
        run.state = State.DONE
        history.save(run)
        feed.end(run)
        return await asyncio.wait_for(asyncio.gather(*tabs, late), 10)

    first, second, late = asyncio.run(scene())
    own = ["1 step 1", "2 step 2", "3 step 3"]
    assert (
        [text for text in first if text[0].isdigit()] == own == [text for text in second if text[0].isdigit()]
    )
    assert [text for text in late if text[0].isdigit()] == own[2:]


def test_after_the_end_all_is_read_from_the_disk(feed):
    feed, history, run = feed
    feed.tell(run, {"text": "a\nevent: forged"})
    run.state = State.DONE
    feed.end(run)
    again = Feed(history, WebLimits())
    texts = asyncio.run(asyncio.wait_for(heard(again.stream(run, 0)), 10))
    assert texts == ["runs", "1 a\nevent: forged", "over"]


def test_the_list_alone(feed):
    feed, _, _ = feed

    async def scene():
        listening = asyncio.create_task(heard(feed.stream(None, 0), until="never"))
        await asyncio.sleep(0.02)
        feed.changed()
        await asyncio.sleep(0.02)
        feed.close()
        return await asyncio.wait_for(listening, 10)

    assert asyncio.run(scene()) == ["runs", "runs"]


def test_so_many_and_no_more(feed):
    feed, _, _ = feed

    async def scene():
        open_ones = [feed.stream(None, 0) for _ in range(3)]
        for one in open_ones:
            await anext(one)
        with pytest.raises(Refused, match="too many"):
            await anext(feed.stream(None, 0))
        await open_ones[0].aclose()
        await anext(feed.stream(None, 0))

    asyncio.run(scene())
