"""The lock file, with other processes that want it or had it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from tests.support.waiting import wait_until
from worker_manager.errors import StateBusy, StateUnavailable
from worker_manager.state.locking import exclusive

HOLD = (
    "import sys, time; from worker_manager.state.locking import exclusive\n"
    "with exclusive(sys.argv[1]): print('held', flush=True); time.sleep(600)"
)


def test_it_is_the_lock_that_filelock_takes(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with exclusive(path), pytest.raises(Timeout):
        FileLock(path, timeout=0, fallback_to_soft=False).acquire()
    with (
        FileLock(path, fallback_to_soft=False),
        pytest.raises(StateBusy),
        exclusive(path, timeout_seconds=0.1),
    ):
        pass

    with exclusive(path):
        assert os.stat(path).st_mode & 0o777 == 0o600


def test_who_waits_has_it_when_the_other_is_killed(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    command = [sys.executable, "-c", HOLD, path]
    told = list[str]()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        def wait() -> None:
            with exclusive(path, timeout_seconds=100, when_busy=lambda: told.append("busy")):
                told.append("held")

        waiting = threading.Thread(target=wait)
        waiting.start()
        wait_until(lambda: told == ["busy"])
        holder.kill()
        waiting.join()

    assert told == ["busy", "held"]


def test_an_error_frees_it_and_what_can_be_no_lock_is_told(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with pytest.raises(ZeroDivisionError), exclusive(path):
        raise ZeroDivisionError
    with exclusive(path, timeout_seconds=0.1):
        pass

    with pytest.raises(StateUnavailable), exclusive(str(tmp_path)):
        pass


def test_a_child_that_has_it_open_does_not_hold_it(tmp_path: Path) -> None:
    path, (ear, end) = str(tmp_path / "lock"), os.pipe()
    with exclusive(path):
        child = os.fork()
        if not child:
            os.close(end)
            os.read(ear, 1)
            os._exit(0)
    os.close(ear)
    try:
        with exclusive(path, timeout_seconds=0.1):
            pass
    finally:
        os.close(end)
        os.waitpid(child, 0)
