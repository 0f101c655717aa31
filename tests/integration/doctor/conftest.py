"""What the doctor's tests begin with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from worker_manager.doctor.findings import Finding, Place, Verdict
from worker_manager.state.layout import state_root

OK, WARNING, FAILED, UNKNOWN = Verdict


def only(findings: list[Finding]) -> Finding:
    """The one that there is."""
    (finding,) = findings
    return finding


def program(tmp_path: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of that name, first on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def here(repository: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A repository whose workers live on the test's own tmux server."""
    monkeypatch.setenv("WORKER_MANAGER_TMUX_SOCKET", tmux_socket)
    return Place(state_root(), str(repository), dict(os.environ))
