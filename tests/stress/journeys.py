"""The whole way of work on repositories of different shape: start, edit, complete with checks,
conflict, merge, clean, restore.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import git, make_fleet
from tests.stress.tally import Tally
from tests.support.scripted.workers import take_mail
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.clean import CleanOptions
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.message import COMPLETION, CONFLICT
from worker_manager.errors import MergeRefused

#: Source archives (.tar.gz) to make repositories of, too. Not a setting, so not with their prefix.
ARCHIVES = os.environ.get("JOURNEY_ARCHIVES", "").split()
FILE = "worker-manager.journey"


def journeys(folder: Path, socket: str, *, files: int = 20_000, commits: int = 2_000) -> Tally:
    """What should be and isn't is `unaccounted`, and printed."""
    tally = Tally()
    made = [_scripted(folder / "scripted", files, commits)]
    made += [_unpacked(Path(archive), folder) for archive in ARCHIVES]
    for repository in made:
        tally.unaccounted += _travel(repository, socket)
    return tally


def _travel(repository: Path, socket: str) -> int:
    """The number of things that are not as they should be."""
    fleet = make_fleet(repository, socket, "journey")
    before = git(repository, "rev-parse", "HEAD")
    seconds: dict[str, float] = {}

    def timed(name: str, act: Callable[[], object]) -> None:
        started = time.monotonic()
        act()
        seconds[name] = time.monotonic() - started

    ids: list[str] = []
    for text in ("one", "two"):
        timed(f"start {text}", lambda text=text: ids.append(_start(fleet, text)))  # type: ignore[misc]  # the loop's text, now
    heard: list[str] = []

    def are_done() -> bool:
        heard.extend(letter.type for letter in take_mail(fleet))
        return heard.count(COMPLETION) == 2

    timed("complete", lambda: wait_until(are_done, 120))
    timed("radar", fleet.supervisor.supervise_once)
    heard.extend(letter.type for letter in take_mail(fleet))
    timed("merge", lambda: fleet.merge(ids[0], MergeOptions("merge", "", ["test -e " + FILE])))
    refused = _is_refused(fleet, ids[1])
    timed("clean", lambda: fleet.clean(CleanOptions(ids, force=True)))
    gone = not any(os.path.exists(fleet.worker(one).path) for one in ids)
    timed("restore", lambda: fleet.restore(ids[1]))
    kept = (Path(fleet.worker(ids[1]).path) / FILE).read_text("utf-8")
    fleet.stop(ids[1])
    faults = {
        "one conflict is told": heard.count(CONFLICT) == 1,
        "a conflict is refused": refused,
        "what was cleaned is gone": gone,
        "what was cleaned comes back": kept == "two\n",
        "the merge is in": git(repository, "show", f"HEAD:{FILE}") == "one",
        "nothing else is": git(repository, "diff", "--name-only", before, "HEAD") == FILE,
        "the checkout is clean": git(repository, "status", "--porcelain") == "",
    }
    wrong = [name for name, holds in faults.items() if not holds]
    times = ", ".join(f"{name} {taken:.2f}" for name, taken in seconds.items())
    count = len(git(repository, "ls-files").splitlines())
    sys.stdout.write(f"{repository.name}: {count} files; seconds: {times}; wrong: {wrong}\n")
    return len(wrong)


def _start(fleet: Fleet, text: str) -> str:
    command = f"echo {text} > {FILE} && git add {FILE} && git commit -qm {text}"
    steps = f'[{{"run": "{command}"}}, {{"complete": "done"}}]'
    task = f"```steps\n{steps}\n```"
    return fleet.start(StartRequest(text, task, checks=[f"grep -q {text} {FILE}"])).worker.id


def _is_refused(fleet: Fleet, worker_id: str) -> bool:
    try:
        fleet.merge(worker_id, MergeOptions("merge", "", ()))
    except MergeRefused as error:
        return FILE in str(error)
    return False


def _scripted(path: Path, files: int, commits: int) -> Path:
    """Each commit changes some of the files, the first makes them all."""
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    feed = ["blob\nmark :1\ndata 2\nx\n", "blob\nmark :2\ndata 2\ny\n"]
    for number in range(commits):
        feed.append("commit refs/heads/main\ncommitter T <t@example.invalid> 1700000000 +0000\n")
        feed.append("data 1\nc\n" + (f"from :{number + 9}\n" if number else ""))
        feed[-2] = feed[-2].replace("committer", f"mark :{number + 10}\ncommitter")
        changed = range(files) if number == 0 else range(number % 7, 10)
        feed += [f"M 100644 :{1 + number % 2} d{one % 100}/f{one}\n" for one in changed]
    subprocess.run(
        ["git", "fast-import", "--quiet"], cwd=path, input="".join(feed).encode(), check=True
    )
    git(path, "reset", "-q", "--hard")
    return path


def _unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    path = folder / archive.name.removesuffix(".tar.gz")
    git(path, "init", "-q", "-b", "main")
    git(path, "add", "--all", "--force")
    git(path, "commit", "-qm", "as published")
    return path
