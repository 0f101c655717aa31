"""What a rehearsal waits for before it removes its directory."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from worker_manager.rehearsal import leftovers


def late(state: Path, code: str) -> "subprocess.Popen[bytes]":
    """A process of a rehearsal, whose code begins once it runs."""
    environ = {**os.environ, leftovers.STATE: str(state)}
    return subprocess.Popen([sys.executable, "-I", "-c", code], env=environ)


def test_last_words_come_before_the_directory_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    state = folder / "state"
    state.mkdir(parents=True)
    code = f"import os, time; time.sleep(1); os.makedirs({str(state / 'mail')!r})"
    with late(state, code) as speaker:
        leftovers.wait_for_end(str(state))
        assert leftovers.remove(folder)
        assert speaker.wait() == 0

    assert not folder.exists()


def test_what_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "END_SECONDS", 0.2)
    with late(tmp_path, "import time; time.sleep(600)") as one:
        leftovers.wait_for_end(str(tmp_path))
        assert not psutil.pid_exists(one.pid)
