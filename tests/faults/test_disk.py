"""A disk that is really full, or really read-only, under real servers and hooks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from tests.support.scripted.rehearsed import Boss, session
from tests.support.scripted.workers import HANG
from tests.support.waiting import WAIT_SECONDS
from worker_manager.rehearsal.session import ToolResult

pytestmark = pytest.mark.anyio


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 2 MB that holds the state directory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if not mounts("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)):
        pytest.skip("only root may mount a file system; test_mail and test_start cover the errors")
    monkeypatch.setenv("WORKER_MANAGER_STATE_DIR", str(disk / "state"))
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def mounts(*arguments: str) -> bool:
    done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    return done.returncode == 0


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 512)
    return ballast


def said(result: ToolResult) -> str:
    assert result.is_error, result.text
    return result.text


@pytest.mark.promise("disk-refused")
async def test_on_a_full_disk_each_tool_says_so_and_afterwards_all_is_there(
    disk: Path, repository: Path, tmux_socket: str
) -> None:
    crash = '```steps\n[{"crash": 3}]\n```'
    async with session(repository, tmux_socket) as boss:
        kept = (await boss.call_tool("start_worker", title="kept", task=HANG)).structured["id"]
        # Its agent has begun, its hooks have ended, and nothing of it notes anything more.
        with anyio.fail_after(WAIT_SECONDS):
            while "hang" not in await screen_of(boss, kept):
                await anyio.sleep(0.05)
        ballast = fill(disk)
        before = files(disk)

        full = "No space left on device"
        assert full in said(await boss.call_tool("start_worker", title="t", task="x" * 9000))
        assert full in said(await boss.call_tool("nudge_worker", id=kept, message="x" * 9000))
        listed = await boss.call_tool("list_workers")
        assert [one["id"] for one in listed.structured["workers"]] == [kept]
        assert files(disk) == before
        assert len(list((repository / ".worktrees").iterdir())) == 1

        ballast.unlink()
        assert not (await boss.call_tool("nudge_worker", id=kept, message="again")).is_error
        await boss.call_tool("start_worker", title="t", task=crash)
        assert "exit code 3" in (await boss.wait_for_mail(WAIT_SECONDS) or "")


@pytest.mark.promise("disk-refused")
async def test_on_a_read_only_disk_mail_waits_until_it_can_be_written(
    disk: Path, repository: Path, tmux_socket: str
) -> None:
    async with session(repository, tmux_socket) as boss:
        kept = (await boss.call_tool("start_worker", title="kept", task=HANG)).structured["id"]
        (box,) = (disk / "state").glob(f"*/workers/{kept}/mail")
        await boss.call_tool("nudge_worker", id=kept, message="first")
        assert mounts("-o", "remount,ro", str(disk))

        assert "Read-only" in said(await boss.call_tool("start_worker", title="t", task=HANG))
        assert "Read-only" in said(await boss.call_tool("nudge_worker", id=kept, message="second"))
        assert await boss.prompt("a hook of this session runs all the same") == ""

        assert mounts("-o", "remount,rw", str(disk))
        waiting = [*box.glob("new/*.mail"), *box.glob("read/*/*.mail")]
        assert len(waiting) == 1
        assert not (await boss.call_tool("nudge_worker", id=kept, message="third")).is_error


async def screen_of(boss: Boss, worker: str) -> str:
    return (await boss.call_tool("read_worker", id=worker, what="screen")).text


def files(disk: Path) -> set[str]:
    """All but what a hook or lock may touch at any time."""
    return {
        str(path)
        for path in disk.rglob("*")
        if path.suffix not in (".lock", ".jsonl") and os.path.basename(path.parent) != "logs"
    }
