"""A server sleeps until something happens to its workers."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker_manager.state import bells, process_identity
from worker_manager.state.bells import Bell

LONG = 100.0


@pytest.fixture
def bell(tmp_path: Path) -> Iterator[Bell]:
    bell = Bell(str(tmp_path))
    yield bell
    bell.close()


def waited(bell: Bell, seconds: float | None, running: list[str] | None = None) -> float:
    start = time.monotonic()
    bell.wait(seconds, running or [])
    return time.monotonic() - start


def test_a_ring_wakes_whoever_listens(bell: Bell, tmp_path: Path) -> None:
    threading.Timer(0.2, bells.notify, [str(tmp_path)]).start()

    assert 0.1 < waited(bell, None) < LONG


def test_a_ring_before_the_wait_is_heard_once(bell: Bell, tmp_path: Path) -> None:
    bells.notify(str(tmp_path))
    bells.notify(str(tmp_path))

    assert waited(bell, LONG) < LONG
    assert waited(bell, 0.3) >= 0.3


def test_the_end_of_a_process_is_seen_at_once(bell: Bell) -> None:
    process = subprocess.Popen(["sleep", "0.3"])

    assert waited(bell, LONG, [process_identity.identity(process.pid)]) < LONG
    process.wait()


def test_a_process_that_has_ended_or_is_another_one_is_looked_after_by_time(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bells, "BLIND_SECONDS", 0.3)

    assert 0.3 <= waited(bell, None, [f"{os.getpid()}-1"]) < LONG


def test_nobody_listens_and_nothing_is_left(tmp_path: Path) -> None:
    home = tmp_path / "of nobody"
    home.mkdir()

    bells.notify(str(home))
    bells.notify(str(tmp_path / "no such home"))

    assert list(home.iterdir()) == []


def test_a_file_in_its_place_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bells, "BLIND_SECONDS", 0.3)
    (tmp_path / "bell").write_text("mine", "utf-8")
    bell = Bell(str(tmp_path))

    bells.notify(str(tmp_path))

    assert 0.3 <= waited(bell, None) < LONG
    assert (tmp_path / "bell").read_text("utf-8") == "mine"


def test_a_home_that_is_made_anew_has_another_bell(tmp_path: Path) -> None:
    home = tmp_path / "of nobody"
    home.mkdir()
    bell = Bell(str(home))
    assert not bell.is_lost

    shutil.rmtree(home)
    assert bell.is_lost
    home.mkdir()
    Bell(str(home)).close()
    assert bell.is_lost
    bell.close()


def test_no_wait_is_for_ever(bell: Bell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bells, "MAX_SECONDS", 0.3)

    assert 0.3 <= waited(bell, None) < LONG
    assert 0.3 <= waited(bell, 1e12) < LONG
