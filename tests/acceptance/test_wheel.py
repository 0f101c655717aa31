"""worker-manager as pip, pipx and uv install it: a real wheel in an environment of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from filelock import FileLock

from tests.conftest import CHECKOUT
from tests.support.claude.claude_lab import ClaudeLab
from tests.support.claude.crew import CREW, script_boss_and_worker, start_boss
from tests.support.claude.messages_api import MessagesApi
from tests.support.claude.replies import call

pytestmark = [
    pytest.mark.claude,
    pytest.mark.newest_claude,
    pytest.mark.promise("installation-wheel"),
    pytest.mark.timeout(600),
]


class Installed(NamedTuple):
    """An environment with the wheel and what it depends on."""

    venv: Path
    environ: dict[str, str]

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs the command that the wheel has brought."""
        command = [str(self.venv / "bin" / "worker-manager"), *words]
        given = {**self.environ, **environ}
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False)

    @property
    def plugin(self) -> Path:
        """The folder of what Claude Code reads."""
        (found,) = self.venv.glob("lib/python*/site-packages/worker_manager/plugin")
        return found


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Built once, however many processes run the tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "wheel"
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("WORKER_MANAGER_", "CLAUDE", "VIRTUAL_ENV"))
    }
    environ["HOME"] = str(folder)
    with FileLock(f"{folder}.lock"):
        if not (folder / "installed").exists():
            folder.mkdir(exist_ok=True)
            install_wheel(folder, environ)
            (folder / "installed").touch()
    return Installed(folder / "venv", environ)


def install_wheel(folder: Path, environ: Mapping[str, str]) -> None:
    """Builds it there, and installs it into an environment, with what it depends on."""
    pip = [sys.executable, "-I", "-m", "pip", "-q"]
    build = [*pip, "wheel", "--no-deps", "-w", str(folder), str(CHECKOUT)]
    subprocess.run(build, env=environ, check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (made,) = folder.glob("*.whl")
    install = [*pip, "--python", str(folder / "venv"), "install", str(made)]
    subprocess.run(install, env=environ, check=True)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that is no checkout of ours."""
    monkeypatch.chdir(tmp_path)


def files_below(folder: Path) -> set[str]:
    return {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}


def test_what_it_carries_is_what_the_checkout_has(wheel: Installed) -> None:
    for name in (".claude-plugin", "bin", "commands", "hooks", "skills"):
        assert files_below(wheel.plugin / name) == files_below(CHECKOUT / name)
    assert (wheel.plugin / ".mcp.json").read_text("utf-8") == (CHECKOUT / ".mcp.json").read_text(
        "utf-8"
    )
    assert os.access(wheel.plugin / "bin" / "worker-manager", os.X_OK)


def test_its_demo_works(wheel: Installed, outside: None) -> None:
    done = wheel.run("demo")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "done: everything worked" in done.stdout


def test_claude_code_takes_it_as_the_doctor_says_and_its_launcher_builds_nothing(
    wheel: Installed, lab: ClaudeLab, api: MessagesApi
) -> None:
    path = f"{wheel.venv / 'bin'}:{lab.env['PATH']}"
    said = wheel.run("doctor", **{**lab.env, "PATH": path}).stdout
    advice = re.search(r"claude plugin marketplace add [^\n]*?&&\s+claude plugin install \S+", said)
    assert advice, said
    for line in " ".join(advice[0].split()).split(" && "):
        lab.run_well(*shlex.split(line)[1:])
    script_boss_and_worker(api)
    api.on("worker", "W1 write", call(f"{CREW}complete", summary="DONE-1 at once"))
    session = start_boss(lab)
    session.type("start W1")

    api.wait_for_request("boss", "DONE-1", 120)

    assert not list(lab.home.glob(".claude/plugins/data/**/venv-*"))
    noted = [one.read_text("utf-8") for one in lab.root.rglob("sessions/*/python")]
    assert noted
    assert all(one.startswith(f"{wheel.venv}/bin/") for one in noted)
