"""The table of steps against the lock file, and against what the installed packages ask for."""

from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

from tests.conftest import CHECKOUT
from worker_manager.installation.steps import FIRST, PACKAGES, WATCH, WEB, requirements

#: In the lock file for the sake of systems on which we do not run.
ELSEWHERE = {"httpx2-jsfetch", "pywin32", "colorama"}
LOCK = (CHECKOUT / "requirements.lock").read_text("utf-8")


def names(entries: list[str]) -> set[str]:
    return {entry.partition("==")[0] for entry in entries}


def test_each_locked_package_comes_in_one_step() -> None:
    all_names = [name for step in PACKAGES.values() for name in step]
    locked = {line.partition("==")[0] for line in LOCK.splitlines() if line[:1].isalnum()}

    assert len(all_names) == len(set(all_names))
    assert locked - set(all_names) - ELSEWHERE == set()
    for step in PACKAGES:
        assert names(requirements(step, LOCK)) == set(PACKAGES[step])


@pytest.mark.parametrize("steps", [(FIRST,), (FIRST, WATCH), (FIRST, WATCH, WEB)])
def test_a_step_needs_nothing_of_a_later_one(steps: tuple[str, ...]) -> None:
    there = {name for step in steps for name in PACKAGES[step]}
    for name in there:
        for text in requires(name) or ():
            asked = Requirement(text)
            if asked.marker is None or asked.marker.evaluate({"extra": ""}):
                assert asked.name.lower().replace("_", "-") in there, f"{name}: {text}"


def test_an_entry_keeps_its_hashes_and_its_marker() -> None:
    lock = (
        "# made\na==1 ; x \\\n    --hash=sha256:1\nclick==2 \\\n    --hash=sha256:2\n    # via a\n"
    )

    assert requirements(FIRST, lock) == ["click==2 \\\n    --hash=sha256:2\n    # via a"]
