"""A crew outlives an upgrade: workers, hooks and servers of an earlier build, and the new one."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.conftest import CHECKOUT
from tests.support.checkouts import copy
from tests.support.scripted.rehearsed import SOON, Boss, session
from tests.support.terminals.person import worker_manager

#: The earlier build: an ancestor of what is tested here.
REVISION = "e68fde1"
#: What a plugin is made of.
PLUGIN = (".claude-plugin", ".mcp.json", "bin", "hooks", "src", "requirements.lock")
#: What the doctor tries that has to do with workers, and not with the machine.
EXAMINED = ("repository", "state directory", "tmux server", "workers", "leftovers")

pytestmark = pytest.mark.anyio


class Build:
    """A plugin's folder with an interpreter of its own, in which all that is started stays."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._hooks: list[subprocess.Popen[str]] = []
        self.python = self._make_environment(root.parent / f"{root.name}-venv")

    @asynccontextmanager
    async def session(self, repository: Path, socket: str, **environ: str) -> AsyncIterator[Boss]:
        """An orchestrator session with this build's server and hooks."""
        environ["WORKER_MANAGER_PYTHON"] = str(self.python)
        async with session(repository, socket, plugin_root=self.root, **environ) as boss:
            yield boss

    def open_dialog(self, home: Path) -> subprocess.Popen[str]:
        """The hook of a worker that wants to run a command and waits for the permission."""
        record = json.loads((home / "worker.json").read_text("utf-8"))
        hooks = json.loads((self.root / "hooks/hooks.json").read_text("utf-8"))["hooks"]
        given = {
            "session_id": record["session_id"],
            "cwd": record["path"],
            "permission_mode": "default",
            "hook_event_name": "PermissionRequest",
            "tool_name": "Bash",
            "tool_input": {"command": "rm -r build"},
        }
        own = {
            "CLAUDE_CODE_SESSION_ID": record["session_id"],
            "CLAUDE_PLUGIN_ROOT": str(self.root),
            "WORKER_MANAGER_WORKER_ID": record["id"],
            "WORKER_MANAGER_PYTHON": str(self.python),
        }
        hook = subprocess.Popen(
            ["sh", "-c", hooks["PermissionRequest"][0]["hooks"][0]["command"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **own},
        )
        assert hook.stdin is not None
        hook.stdin.write(json.dumps(given))
        hook.stdin.close()
        self._hooks.append(hook)
        return hook

    def close(self) -> None:
        """Ends what was started here and has not ended."""
        for hook in self._hooks:
            hook.kill()
            hook.wait()
            if hook.stdout:
                hook.stdout.close()

    def _make_environment(self, place: Path) -> Path:
        """The packages of this one; `worker_manager` is that of the folder. Links, so that hooks,
        which look into the folder themselves, find the packages, too.
        """
        venv.create(place, symlinks=True)
        ours = Path(sysconfig.get_path("purelib"))
        site = place / ours.relative_to(sys.prefix)
        for package in ours.iterdir():
            if package.name != "worker_manager.pth" and not (site / package.name).exists():
                (site / package.name).symlink_to(package)
        (site / "worker_manager.pth").write_text(f"{self.root / 'src'}\n", "utf-8")
        return place / "bin" / "python"


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Build]:
    """The earlier build, out of the history of this checkout."""
    command = ["git", "archive", REVISION, *PLUGIN]
    archive = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=False)
    if archive.returncode:
        why = archive.stderr.decode(errors="replace").strip()
        pytest.skip(f"this checkout's history has no {REVISION} (git fetch --unshallow): {why}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as file:
        file.extractall(tmp_path / "plugin", filter="data")
    with closing(Build(tmp_path / "plugin")) as build:
        yield build


@pytest.fixture(autouse=True)
def settings(tmux_socket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands and sessions find in their environment."""
    monkeypatch.setenv("WORKER_MANAGER_TMUX_SOCKET", tmux_socket)
    monkeypatch.setenv("WORKER_MANAGER_AGENT", "scripted")
    monkeypatch.setenv("WORKER_MANAGER_MAX_WORKERS", "100")


def steps(*played: dict[str, Any]) -> str:
    """A task that is played; also behind what begins a restored session's prompt."""
    return f"\n```steps\n{json.dumps(played)}\n```"


def work(name: str, summary: str) -> list[dict[str, Any]]:
    """A file with what the worker was told last, committed and reported."""
    return [
        {"write": {"path": name, "text": "{answer}\n"}},
        {"commit": name},
        {"complete": f"{summary} {{answer}}"},
    ]


async def until(boss: Boss, **wanted: str) -> None:
    """Until the session lists these workers (`w` before an id) so."""
    found: dict[str, str] = {}
    with anyio.move_on_after(SOON):
        while not wanted.items() <= found.items():
            listed = await boss.call_tool("list_workers")
            assert not listed.is_error, listed.text
            found = {f"w{one['id']}": one["status"] for one in listed.structured["workers"]}
            await anyio.sleep(0.05)
    assert wanted.items() <= found.items(), (wanted, found)


async def call(boss: Boss, tool: str, **arguments: object) -> str:
    """What it says; it must not fail."""
    with anyio.fail_after(SOON):
        result = await boss.call_tool(tool, **arguments)
    assert not result.is_error, result.text
    return result.text


async def hear(boss: Boss, *texts: str) -> None:
    """Until the session has read all of these in its letters: as a result, or from a hook."""
    said = ""
    with anyio.move_on_after(SOON):
        while not all(text in said for text in texts):
            said = await call(boss, "read_mail") + await call(boss, "read_mail", history=True)
            await anyio.sleep(0.1)
    assert all(text in said for text in texts), said


async def type_command(repository: Path, *arguments: str) -> str:
    """What a command of the new build prints; it must not fail."""
    run: Callable[[], subprocess.CompletedProcess[str]]
    run = lambda: worker_manager(*arguments, cwd=repository)  # noqa: E731
    done = await anyio.to_thread.run_sync(run)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def examine(repository: Path) -> dict[str, str]:
    """What the new build's doctor says of what is left of the crew."""
    run: Callable[[], subprocess.CompletedProcess[str]]
    run = lambda: worker_manager("doctor", "--json", cwd=repository)  # noqa: E731
    done = await anyio.to_thread.run_sync(run)
    findings = json.loads(done.stdout)["findings"]
    return {one["about"]: one["verdict"] for one in findings if one["about"] in EXAMINED}


@pytest.mark.promise("upgrade-crew")
async def test_workers_of_the_earlier_build_go_on_under_the_new_one(
    old: Build, repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    until_go = {"run": f"while [ ! -e {go} ]; do sleep 0.05; done"}
    room = {"WORKER_MANAGER_MAX_WORKERS": "4"}
    async with old.session(repository, tmux_socket, **room) as before:
        asker = await before.start_worker(steps({"ask": "tea?"}, *work("tea", "brewed")))
        idler = await before.start_worker(steps({"idle": None}, *work("nudge", "heard")))
        half = [{"write": {"path": "half", "text": "half\n"}}, {"hang": True}]
        hanger = await before.start_worker(steps(*half))
        crasher = await before.start_worker(steps(until_go, {"crash": 3}))
        queued = await before.start_worker(steps({"complete": "from the queue"}))
        running = {f"w{one}": "running" for one in (idler, crasher)}
        running[f"w{asker}"] = "asking"
        await until(before, **{f"w{hanger}": "running", f"w{queued}": "queued"}, **running)
        dialog = old.open_dialog(home_of(before, hanger))
        await until(before, **{f"w{hanger}": "blocked"})
    async with session(repository, tmux_socket, before.session_id) as after:
        await until(after, **{f"w{hanger}": "blocked", f"w{queued}": "completed"}, **running)

        await call(after, "answer_worker", id=hanger, decision="allow")
        assert dialog.stdout is not None
        assert '"allow"' in await anyio.to_thread.run_sync(dialog.stdout.read)
        await until(after, **{f"w{hanger}": "running"})
        await call(after, "nudge_worker", id=asker, message="mint")
        await call(after, "nudge_worker", id=idler, message="wake up")
        await after.wait(ids=[asker, idler], until="all", timeout_seconds=SOON)
        await hear(after, "brewed mint", "heard", "wake up", "from the queue")
        go.touch()
        await after.wait(ids=[crasher], timeout_seconds=SOON)
        await hear(after, "exit code 3")

        await call(after, "merge_worker", ids=[asker, idler])
        assert (repository / "tea").read_text("utf-8") == "mint\n"
        await call(after, "clean_workers", ids=[asker])
        await call(after, "stop_worker", id=hanger, force=True)
        restored = {asker: "once cleaned", hanger: "once stopped", crasher: "once failed"}
        for one, summary in restored.items():
            again = steps({"complete": summary})
            await call(after, "restore_worker", id=one, message=again)
        await after.wait(ids=list(restored), until="all", timeout_seconds=SOON)
        await hear(after, *restored.values())
        place = json.loads((home_of(after, hanger) / "worker.json").read_text("utf-8"))["path"]
        assert Path(place, "half").read_text("utf-8") == "half\n"
    assert await examine(repository) == dict.fromkeys(EXAMINED, "ok")


@pytest.mark.promise("upgrade-crew")
async def test_a_session_of_the_earlier_build_goes_on_with_what_the_new_one_writes(
    old: Build, repository: Path, tmux_socket: str
) -> None:
    async with old.session(repository, tmux_socket) as boss:
        worker = await boss.start_worker(steps({"ask": "tea?"}, *work("tea", "brewed")))
        await until(boss, **{f"w{worker}": "asking"})
        await type_command(repository, "stop", "--force", worker)
        await until(boss, **{f"w{worker}": "stopped"})
        more = steps({"ask": "milk?"}, *work("milk", "poured"))
        await type_command(repository, "restore", worker, more)
        await until(boss, **{f"w{worker}": "asking"})
        await hear(boss, "milk?")
        await call(boss, "nudge_worker", id=worker, message="oat")
        await boss.wait(ids=[worker], timeout_seconds=SOON)
        await hear(boss, "poured oat")
        await call(boss, "merge_worker", ids=[worker])
    assert (repository / "milk").read_text("utf-8") == "oat\n"


@pytest.mark.promise("upgrade-crew")
async def test_hooks_and_launch_scripts_of_workers_go_on_where_the_plugins_folder_was_replaced(
    old: Build, repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    crash = [{"run": f"while [ ! -e {go} ]; do sleep 0.05; done"}, {"crash": 3}]
    async with old.session(repository, tmux_socket) as before:
        idler = await before.start_worker(steps({"idle": None}, {"say": "{answer}"}, *crash))
        await until(before, **{f"w{idler}": "running"})
    shutil.move(old.root, tmp_path / "replaced")
    old.root.mkdir()
    for name in PLUGIN:
        source = CHECKOUT / name
        copy(source, old.root / name)
    async with session(repository, tmux_socket, before.session_id) as after:
        await call(after, "nudge_worker", id=idler, message="go on")
        await until_screen(after, idler, "go on")
        go.touch()
        await after.wait(ids=[idler], timeout_seconds=SOON)
        await hear(after, "exit code 3")
        home = home_of(after, idler)
    assert '"agent ended"' in (home / "journal.jsonl").read_text("utf-8")  # its script called back
    script = (home / "launch.sh").read_text("utf-8")
    for mode in ("--exited", "--not-checked-in"):
        assert f"{old.python} -I -m worker_manager {mode} {idler}" in script
    ours = [str(old.python), "-I", "-m", "worker_manager"]
    for more in (["--not-checked-in", idler], ["--set-up", str(home), "10", "true"]):
        await anyio.run_process([*ours, *more])
    await type_command(repository, "restore", idler, steps({"complete": "once more"}))


def home_of(boss: Boss, worker: str) -> Path:
    """A worker's directory in the state."""
    return Path(boss.home).parents[1] / "workers" / worker


async def until_screen(boss: Boss, worker: str, text: str) -> None:
    """Until the worker's terminal shows it."""
    with anyio.fail_after(SOON):
        while text not in await call(boss, "read_worker", id=worker, what="screen"):
            await anyio.sleep(0.05)
