"""bin/worker-manager: builds its environment once, and gets out of the way."""

import json
import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import CHECKOUT
from tests.support.checkouts import copy
from tests.support.scripted.client import Client
from tests.support.scripted.hooks import hook_command
from tests.support.scripted.workers import recorded_worker
from worker_manager.crew.fleet import Fleet

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The plugin with no packages to install: what is built is the environment, not the lock."""
    return copied_plugin(tmp_path)


def copied_plugin(folder: Path) -> Path:
    root = folder / "plugin"
    for name in ("bin", "hooks", ".claude-plugin", "src"):
        copy(CHECKOUT / name, root / name)
    (root / "requirements.lock").write_text("", "utf-8")
    return root


class Built(NamedTuple):
    """A plugin, the directory with its environment, and what two first starts at once said."""

    plugin: Path
    data: Path
    answers: list[tuple[str, str]]

    def copy(self, folder: Path) -> Path:
        """A directory of a test's own with the same environment."""
        return Path(shutil.copytree(self.data, folder / "data", symlinks=True))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    plugin = copied_plugin(tmp_path_factory.mktemp("built"))
    data = plugin.parent / "data"
    # The guards are up for a test, not for a module.
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(data.parent),
        "CLAUDE_PLUGIN_DATA": str(data),
    }
    command = [str(plugin / "bin" / "worker-manager"), "--version"]
    both = [
        subprocess.Popen(command, env=environ, stdout=-1, stderr=-1, text=True) for _ in range(2)
    ]
    return Built(plugin, data, [one.communicate() for one in both])


@pytest.fixture
def next_version(built: Built) -> Iterator[None]:
    """The plugin is of another version, as long as the test runs."""
    manifest = built.plugin / ".claude-plugin" / "plugin.json"
    before = manifest.read_bytes()
    manifest.write_text(json.dumps({"name": "worker-manager", "version": "9.9.9"}), "utf-8")
    yield
    manifest.write_bytes(before)


def call(
    plugin: Path, *arguments: str, stdin: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    return run(plugin, [str(plugin / "bin" / "worker-manager"), *arguments], stdin, environ)


def hook(
    plugin: Path, event: str, stdin: str = "", **environ: str
) -> subprocess.CompletedProcess[str]:
    return run(plugin, hook_command(event, plugin), stdin, environ)


def run(
    plugin: Path, command: list[str], stdin: str, environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CLAUDE_PLUGIN_DATA": str(plugin.parent / "data"), **environ},
    )


def nowhere(plugin: Path) -> Path:
    """A directory that can't be made: no build comes far there."""
    (plugin.parent / "file").touch()
    return plugin.parent / "file" / "data"


def builds(answer: subprocess.CompletedProcess[str]) -> int:
    return answer.stderr.count("setting up its Python packages")


def test_two_starts_at_once_build_once_and_a_later_one_not_at_all(built: Built) -> None:
    assert [out for out, _ in built.answers] == ["0.1.0\n", "0.1.0\n"]
    assert sum(err.count("setting up") for _, err in built.answers) == 1
    assert builds(call(built.plugin, "--version")) == 0


def test_what_a_killed_build_left_is_built_anew(built: Built, tmp_path: Path) -> None:
    data = built.copy(tmp_path)
    (venv,) = [path for path in data.iterdir() if path.is_dir()]
    next(venv.glob("ready-*")).unlink()
    shutil.rmtree(venv / "lib")

    again = call(built.plugin, "--version", CLAUDE_PLUGIN_DATA=str(data))

    assert (again.stdout, builds(again)) == ("0.1.0\n", 1)


def test_a_new_version_gets_an_environment_of_its_own(
    built: Built, next_version: None, tmp_path: Path
) -> None:
    data = built.copy(tmp_path)

    assert builds(call(built.plugin, "--version", CLAUDE_PLUGIN_DATA=str(data))) == 1


def test_a_build_goes_on_when_its_caller_is_killed(plugin: Path) -> None:
    environ = {**os.environ, "CLAUDE_PLUGIN_DATA": str(plugin.parent / "data")}
    command = [str(plugin / "bin" / "worker-manager"), "--version"]
    caller = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
    assert caller.stderr is not None
    assert "setting up" in caller.stderr.readline()
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    caller.stderr.close()

    data = plugin.parent / "data"
    deadline = time.monotonic() + 60
    while not list(data.glob("venv-*/ready-*")) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert builds(call(plugin, "--version")) == 0


def test_a_failed_build_says_why_and_leaves_nothing_half_ready(plugin: Path) -> None:
    lock = plugin / "requirements.lock"
    lock.write_text("click==0 --hash=sha256:0\n", "utf-8")

    failed = call(plugin, "--version")

    assert (failed.returncode, failed.stdout) == (1, "")
    assert "the set-up failed" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert [path.suffix for path in (plugin.parent / "data").iterdir()] == [".lock"]


def test_a_directory_that_cannot_be_made_is_said_in_one_sentence(plugin: Path) -> None:
    failed = call(plugin, "--version", CLAUDE_PLUGIN_DATA=str(nowhere(plugin)))

    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr.count("\n") == 1


def test_hooks_work_and_build_nothing_while_nothing_is_built(plugin: Path) -> None:
    environ = {"CLAUDE_CODE_SESSION_ID": "s", "CLAUDE_CODE_ENTRYPOINT": "cli"}
    for event in ("Stop", "PostToolUse", "SessionEnd"):
        answer = hook(plugin, event, stdin="{}", **environ)
        assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")

    given = json.dumps({"session_id": "s", "source": "startup", "cwd": str(plugin)})
    started = hook(plugin, "SessionStart", stdin=given, **environ)

    assert json.loads(started.stdout)["hookSpecificOutput"]["watchPaths"]
    assert not (plugin.parent / "data").exists()


@pytest.mark.parametrize("event", ["UserPromptSubmit", "PostToolUse", "FileChanged", "Stop"])
def test_without_mail_a_hook_starts_no_python(plugin: Path, tmp_path: Path, event: str) -> None:
    started = tmp_path / "started"
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ntouch {started}\n", "utf-8")
    python.chmod(0o755)
    home = tmp_path / "state" / "sessions" / "s" / "mail" / "new"
    home.mkdir(parents=True)
    environ = {"WORKER_MANAGER_PYTHON": str(python), "CLAUDE_CODE_SESSION_ID": "s"}

    assert hook(plugin, event, **environ).returncode == 0
    assert not started.exists()

    (home / "x.mail").touch()
    hook(plugin, event, **environ)
    assert started.exists()


def test_a_hook_uses_the_interpreter_that_the_sessions_server_has_noted(
    plugin: Path, tmp_path: Path
) -> None:
    home = tmp_path / "state" / "sessions" / "s"
    (home / "mail" / "new").mkdir(parents=True)
    (home / "mail" / "new" / "x.mail").touch()
    python = tmp_path / "a python"
    python.write_text(f'#!/bin/sh\necho "$@" >"{tmp_path}/called"\n', "utf-8")
    python.chmod(0o755)
    (home / "python").write_text(f"{python}\n", "utf-8")

    hook(plugin, "Stop", CLAUDE_CODE_SESSION_ID="s")
    assert (tmp_path / "called").read_text("utf-8").endswith(f" {plugin}/src Stop\n")

    (tmp_path / "called").unlink()
    python.unlink()
    assert hook(plugin, "Stop", CLAUDE_CODE_SESSION_ID="s").returncode == 0


@pytest.mark.parametrize("event", ["Stop", "UserPromptSubmit"])
def test_a_hook_of_a_plugin_that_was_removed_is_silent(plugin: Path, event: str) -> None:
    command = hook_command(event, plugin)
    shutil.rmtree(plugin)

    done = subprocess.run(command, capture_output=True, check=True)

    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize("worker_id", ["", "12345678"])
def test_before_a_tool_only_a_guarded_worker_starts_a_python(
    plugin: Path, tmp_path: Path, worker_id: str
) -> None:
    started = tmp_path / "started"
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ntouch {started}\n", "utf-8")
    python.chmod(0o755)
    home = tmp_path / "state" / "sessions" / "s"
    home.mkdir(parents=True)
    environ = {
        "WORKER_MANAGER_PYTHON": str(python),
        "CLAUDE_CODE_SESSION_ID": "s",
        "WORKER_MANAGER_WORKER_ID": worker_id,
    }

    assert hook(plugin, "PreToolUse", **environ).returncode == 0
    assert not started.exists()

    (home / "guard").touch()
    hook(plugin, "PreToolUse", **environ)
    assert started.exists() is bool(worker_id)


def test_a_link_to_the_launcher_finds_its_plugin(built: Built, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere"
    link.symlink_to(built.plugin / "bin" / "worker-manager")
    environ = {**os.environ, "CLAUDE_PLUGIN_DATA": str(built.data)}

    answer = subprocess.run(
        [str(link), "--version"], env=environ, capture_output=True, text=True, check=False
    )

    assert (answer.stdout, builds(answer)) == ("0.1.0\n", 0)


def test_without_a_python_the_next_step_is_said(plugin: Path, tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    for name in ("sh", "cat", "cksum", "dirname", "readlink"):
        (tmp_path / "few" / name).symlink_to(str(shutil.which(name)))

    answer = call(plugin, PATH=str(tmp_path / "few"))

    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "no Python 3.11 or newer" in answer.stderr


def test_a_server_speaks_before_its_packages_are_there_and_says_why_they_do_not_come(
    plugin: Path, repository: Path
) -> None:
    data = nowhere(plugin)
    client = Client([plugin / "bin" / "worker-manager"], repository, CLAUDE_PLUGIN_DATA=str(data))
    try:
        client.begin()
        assert "start_worker" in str(client.ask("tools/list"))
        for _ in range(2):
            refused = client.ask("tools/call", name="list_workers", arguments={})["result"]
            assert refused["isError"]
            assert refused["content"][0]["text"].startswith("the set-up failed: ")
        client.end()
    finally:
        client.kill()


def test_a_server_that_has_workers_to_look_after_is_built_first(
    plugin: Path, repository: Path, fleet: Fleet
) -> None:
    recorded_worker(fleet, repository)

    failed = run(
        plugin,
        [str(plugin / "bin" / "worker-manager")],
        "",
        {
            "CLAUDE_CODE_SESSION_ID": str(uuid.uuid4()),
            "CLAUDE_PROJECT_DIR": str(repository),
            "CLAUDE_PLUGIN_DATA": str(nowhere(plugin)),
        },
    )

    assert (failed.returncode, failed.stdout) == (1, "")
