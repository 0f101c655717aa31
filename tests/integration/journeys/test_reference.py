"""The reference pages are what the code says, and what a worker's life leaves on the disk."""

import fnmatch
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.support.scripted.workers import take_mail
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Status

PAGES = sorted(path.name for path in (CHECKOUT / "docs" / "reference").glob("*.md"))
FILES = tomllib.loads((CHECKOUT / "docs" / "files.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("reference")
    command = [sys.executable, str(CHECKOUT / "docs" / "reference.py"), str(target)]
    subprocess.run(command, check=True)
    return target


def test_every_page_is_generated(generated: Path) -> None:
    assert sorted(path.name for path in generated.iterdir()) == PAGES


@pytest.mark.promise("pages-true")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_what_the_code_says_now(page: str, generated: Path) -> None:
    kept = (CHECKOUT / "docs" / "reference" / page).read_text("utf-8")

    assert kept == (generated / page).read_text("utf-8"), "run: python docs/reference.py"


def described(relative: str) -> bool:
    """Whether the reference speaks of a file, given by its path below the state directory."""
    parts = relative.split("/")
    if parts[0] in ("sessions", "processes", "logs") or len(parts) == 1:
        return fits(relative, "root")
    if len(parts) == 2:
        return fits(parts[1], "repository")
    kind, rest = parts[1].removesuffix("s"), "/".join(parts[3:])
    if rest.startswith("mail/"):
        return fits(rest.removeprefix("mail/"), "mailbox")
    return fits(rest, kind) or fits(rest, "home")


def fits(name: str, part: str) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in FILES[part])


def test_every_file_that_a_workers_life_leaves_is_described(fleet: Fleet) -> None:
    steps = '[{"ask": "which?"}, {"complete": "done"}]'
    worker = fleet.start(StartRequest("t", f"```steps\n{steps}\n```")).worker
    wait_until(lambda: fleet.worker(worker.id).status is Status.ASKING)
    fleet.nudge(worker.id, "that one")
    wait_until(lambda: fleet.worker(worker.id).status is Status.COMPLETED)
    take_mail(fleet)
    fleet.stop(worker.id)
    root = Path(os.environ["WORKER_MANAGER_STATE_DIR"])

    left = [
        Path(folder, name).relative_to(root).as_posix()
        for folder, folders, names in os.walk(root)
        for name in (*names, *(one for one in folders if Path(folder, one).is_symlink()))
    ]

    assert len(left) > 10
    assert [name for name in left if not described(name)] == []


def test_a_strange_file_would_be_noticed() -> None:
    assert not described("0123456789ab/workers/1a2b3c4d/strange")
