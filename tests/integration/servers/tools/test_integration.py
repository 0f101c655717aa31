"""Merging, cleaning and restoring as a session's tools: real server, real terminals."""

import json
import re
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.conftest import git
from tests.support.scripted.rehearsed import SOON, session
from worker_manager.rehearsal.session import RehearsedSession

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def task(**files: str) -> str:
    """Writes and commits these files, then completes."""
    write = " && ".join(f"echo {text} > {name}" for name, text in files.items())
    steps = [{"run": f"{write} && git add . && git commit -q -m work"}, {"complete": "DONE"}]
    return f"```steps\n{json.dumps(steps)}\n```"


async def completed(boss: RehearsedSession, **files: str) -> dict[str, Any]:
    """A worker that has done it."""
    started = await boss.call_tool("start_worker", title="t", task=task(**files))
    with anyio.fail_after(SOON):
        while True:
            listed = await boss.call_tool("list_workers")
            own = [
                one for one in listed.structured["workers"] if one["id"] == started.structured["id"]
            ]
            if own[0]["status"] == "completed":
                return started.structured
            await anyio.sleep(0.2)


@pytest.mark.promise("merge-conflict", "clean-back")
async def test_several_are_merged_in_order_cleaned_and_brought_back(
    repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        first = await completed(boss, README="first")
        clash = await completed(boss, README="clash")
        ids = [first["id"], clash["id"]]
        seen = await boss.call_tool("read_worker", id=clash["id"], what="diff")
        merged = await boss.call_tool("merge_worker", ids=ids, checks=["grep first README"])
        rehearsed = await boss.call_tool("clean_workers", dry_run=True)
        cleaned = await boss.call_tool("clean_workers")
        listed = await boss.call_tool("list_workers")
        restored = await boss.call_tool("restore_worker", id=first["id"])

    assert "-hello\n+clash" in seen.text
    assert merged.is_error
    assert f"Merged before: {first['id']}. Then: Worker {clash['id']} is not merged" in merged.text
    assert "'README'" in merged.text
    fence = r"-----(m\w{12})\nCONFLICT .*\n<<<<<<< \w+\nfirst\n=======\nclash\n>>>>>>> \w+\n-----\1"
    assert re.search(fence, merged.text, re.DOTALL)
    assert (repository / "README").read_text("utf-8") == "first\n"
    assert rehearsed.text.startswith("Would clean 1 of 2")
    assert cleaned.text.startswith("Cleaned 1 of 2")
    assert f"{clash['id']} {clash['name']}: its branch is not merged into main" in cleaned.text
    kept = {one["id"]: one["kept_because"] for one in cleaned.structured["workers"]}
    assert kept[first["id"]] == ""
    assert [one["id"] for one in listed.structured["workers"]] == [clash["id"]]
    assert f"Cleaned: 1, last {first['id']}. restore_worker brings one back." in listed.text
    assert not restored.is_error
    assert Path(first["path"], "README").read_text("utf-8") == "first\n"
    assert git(Path(first["path"]), "symbolic-ref", "--short", "HEAD") == first["branch"]


async def test_what_was_merged_is_told_and_the_terminal_of_a_cleaned_worker_ends(
    repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        worker = await completed(boss, new="1")
        merged = await boss.call_tool("merge_worker", ids=[worker["id"]], strategy="squash")
        before = await boss.call_tool("read_worker", id=worker["id"], what="screen")
        await boss.call_tool("clean_workers", ids=[worker["id"]])
        after = await boss.call_tool("read_worker", id=worker["id"], what="screen")
        empty = await boss.call_tool("merge_worker", ids=[])

    assert "is in main (squash, " in merged.text
    assert " new | 1 +" in merged.text
    assert merged.structured["merged"][0]["sha"] == git(repository, "rev-parse", "main")
    assert "Its terminal shows" in before.text
    assert "Nothing of its terminal is known" in after.text
    assert "ids is empty. Name at least one worker" in empty.text
