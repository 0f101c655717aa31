"""Ctrl-C while several git commands run."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.support.waiting import wait_until

CODE = """
import signal, sys
from worker_manager.worktrees import git
signal.signal(signal.SIGINT, signal.default_int_handler)
repository, *waits = sys.argv[1:]
git.ask_all(repository, *(("-c", f"alias.w={one}", "w") for one in waits))
"""


def test_all_that_were_begun_are_ended(repository: Path, tmp_path: Path) -> None:
    pids = [tmp_path / name for name in ("first", "second")]
    waits = [f"!echo $$ > {pid}.new && mv {pid}.new {pid} && exec sleep 600" for pid in pids]
    command = [sys.executable, "-c", CODE, str(repository), *waits]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as asking:
        wait_until(lambda: all(pid.exists() for pid in pids))
        # Both are begun: now it sleeps only where it waits for their answers.
        wait_until(lambda: psutil.Process(asking.pid).status() == psutil.STATUS_SLEEPING)
        asking.send_signal(signal.SIGINT)
        assert asking.wait() == -signal.SIGINT

    for number in (int(pid.read_text("utf-8")) for pid in pids):
        wait_until(lambda number=number: has_ended(number))


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
