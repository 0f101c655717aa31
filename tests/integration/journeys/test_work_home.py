"""The whole way of work: three workers, two of them in conflict, until all is merged."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.conftest import git
from tests.support.scripted.rehearsed import SOON, Boss, session
from worker_manager.rehearsal.session import ToolResult

pytestmark = pytest.mark.anyio


def steps(*played: dict[str, Any]) -> str:
    return f"```steps\n{json.dumps(played)}\n```"


def commit(file: str, text: str) -> dict[str, Any]:
    return {"run": f"echo {text} > {file} && git add -A && git commit -qm {text}"}


async def hear(boss: Boss, *texts: str) -> str:
    """All letters so far, once these stand in them."""
    said = ""
    with anyio.fail_after(SOON):
        while not all(text in said for text in texts):
            await anyio.sleep(0.1)
            await boss.call_tool("read_mail")
            said = (await boss.call_tool("read_mail", history=True, limit=50)).text
    return said


async def use(boss: Boss, tool: str, **arguments: object) -> ToolResult:
    """It must not fail."""
    result = await boss.call_tool(tool, **arguments)
    assert not result.is_error, result.text
    return result


@pytest.mark.promise("work-home")
async def test_three_workers_two_in_conflict_end_merged_and_cleaned(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    wait = {"run": f"while [ ! -e {go} ]; do sleep 0.1; done"}
    resolve = {"run": "git merge -q main; echo both > shared; git add -A; git commit -qm both"}
    then = [{"idle": None}, resolve, {"complete": "RESOLVED-1 {answer}"}]
    names_before = os.listdir(repository)

    async with session(repository, tmux_socket) as boss:
        ids = [
            await boss.start_worker(
                steps(commit("shared", text), wait, {"complete": f"DONE-{text}"}, *then)
            )
            for text in ("one", "two")
        ]
        checked = await use(
            boss,
            "start_worker",
            title="t",
            task=steps({"complete": "early"}, commit("other", "three"), {"complete": "DONE-three"}),
            checks=["grep three other"],
        )
        third = str(checked.structured["id"])

        told = await hear(boss, "[conflict m")
        assert "'shared'" in told
        order = re.search(r"merge_worker (\w+) \(.*?then have (\w+) ", told)
        assert order, told
        first, second = order.groups()
        assert {first, second} == set(ids)
        go.touch()
        letters = await hear(boss, "DONE-one", "DONE-two", "DONE-three")
        assert "The worker says:\nearly" not in letters

        merged = await use(boss, "merge_worker", ids=[first, third], checks=["test -e shared"])
        assert "is in main" in merged.text
        refused = await boss.call_tool("merge_worker", ids=[second])
        assert refused.is_error
        assert "shared" in refused.text
        assert git(repository, "status", "--porcelain") == ""

        await use(boss, "nudge_worker", id=second, message="RESOLVE it")
        await hear(boss, "RESOLVED-1", "RESOLVE it")
        assert "is in main" in (await use(boss, "merge_worker", ids=[second])).text
        assert "Cleaned 3 of 3" in (await use(boss, "clean_workers")).text

    files = {name: (repository / name).read_text("utf-8") for name in ("shared", "other")}
    assert files == {"shared": "both\n", "other": "three\n"}
    assert git(repository, "branch", "--format=%(refname:short)").split() == ["main"]
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    new = {"other", "shared", ".worktrees"}
    assert set(os.listdir(repository)) == {*names_before, *new}
    assert os.listdir(repository / ".worktrees") == []
