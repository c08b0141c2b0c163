"""The process that reads models: it may be killed, be slow or run out of memory, and the server goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from rkmend.web.errors import Failed
from rkmend.web.inspection import Facts, Inspect
from rkmend.web.process import Process, TaskCancelled
from rkmend.web.records import Sizes
from web_server import gone, relu


def looking(folder: Path, **sizes: object) -> Inspect:
    relu(folder / "given.bin")
    return Inspect(str(folder / "given.bin"), str(folder / "model.onnx"), {}, Sizes(**sizes), "mine.onnx")


def test_it_looks_at_a_model_and_ends_with_its_server(tmp_path):
    async def scene():
        process = Process(tmp_path)
        facts = await process.ask(looking(tmp_path), Facts)
        pid = process._child.pid
        await process.close()
        return facts, pid

    facts, pid = asyncio.run(scene())
    assert facts.nodes == 1 and facts.operators == (("Relu", 1),)
    assert gone({pid})


def test_messages_have_the_name_that_the_user_knows(tmp_path):
    async def scene():
        process = Process(tmp_path)
        request = looking(tmp_path)
        (tmp_path / "given.bin").write_text("hello")
        try:
            await process.ask(request, Facts)
        finally:
            await process.close()

    with pytest.raises(Failed) as told:
        asyncio.run(scene())
    assert told.value.problem.message.en == "mine.onnx is not an ONNX model but text"


def test_one_that_dies_is_replaced(tmp_path):
    async def scene():
        process = Process(tmp_path)
        await process.warm()
        os.kill(process._child.pid, signal.SIGSTOP)
        asked = asyncio.create_task(process.ask(looking(tmp_path), Facts))
        await asyncio.sleep(0.2)
        os.kill(process._child.pid, signal.SIGKILL)
        with pytest.raises(Failed, match="died of SIGKILL"):
            await asked
        facts = await process.ask(looking(tmp_path), Facts)
        await process.close()
        return facts

    assert asyncio.run(scene()).nodes == 1


def test_one_that_takes_too_long_is_killed(tmp_path):
    async def scene():
        process = Process(tmp_path)
        await process.warm()
        pid = process._child.pid
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(Failed, match=r"longer than 0\.3 s"):
            await process.ask(looking(tmp_path), Facts, seconds=0.3)
        assert gone({pid})
        facts = await process.ask(looking(tmp_path), Facts)
        await process.close()
        return facts

    assert asyncio.run(scene()).nodes == 1


def test_a_model_that_wants_too_much_memory(tmp_path):
    """An address space in which numpy cannot be loaded together with onnx: whatever ends it, the server is told."""

    async def scene():
        process = Process(tmp_path, memory_bytes=120 << 20)
        try:
            await process.ask(looking(tmp_path), Facts, seconds=60)
        finally:
            await process.close()

    with pytest.raises(Failed):
        asyncio.run(scene())


def test_cancelled_before_it_has_begun(tmp_path):
    async def scene():
        process = Process(tmp_path)
        asked = asyncio.create_task(process.ask(looking(tmp_path), Facts))
        await asyncio.sleep(0)
        while process._child is None:
            await asyncio.sleep(0.01)
        process.cancel()
        with pytest.raises(TaskCancelled):
            await asked
        facts = await process.ask(looking(tmp_path), Facts)
        await process.close()
        return facts

    assert asyncio.run(scene()).nodes == 1
