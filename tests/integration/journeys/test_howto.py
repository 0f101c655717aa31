"""What the how-to pages say comes of their commands comes of them."""

import shlex
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, git
from tests.support.documents import blocks, lines
from tests.support.scripted.bench import add_worker, commit
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.clean import CleanOptions
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.errors import MergeRefused


def commands(page: str, **names: str) -> list[list[str]]:
    """Those of a page, with these values in the place of names in capitals."""
    scripts = [one for one in blocks(CHECKOUT / "docs" / "howto" / page) if one.kind == "sh"]
    return [shlex.split(line) for script in scripts for line in lines(script, names)]


@pytest.mark.promise("clean-back")
def test_what_was_cleaned_can_be_brought_back_by_hand(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    tip = git(repository, "rev-parse", worker.branch)
    (Path(worker.path) / "left").write_text("LEFT", "utf-8")
    fleet.clean(CleanOptions([worker.id], force=True))
    ref = fleet.worker(worker.id).cleaned
    said = []

    for program, *arguments in commands(
        "undo.md", ID=worker.id, REF=ref, FILE="left", BRANCH="mine"
    ):
        assert program == "git"
        said.append(git(repository, *arguments))

    listed, names, shown, *_ = said
    assert listed.endswith(ref)
    assert names.splitlines() == ["README", "a", "left"]
    assert shown == "LEFT"
    assert (repository / "left").read_text("utf-8") == "LEFT"
    assert git(repository, "rev-parse", "mine") == tip
    assert git(repository, "for-each-ref", "refs/worker-manager/") == ""


def test_a_merge_can_be_taken_back_by_hand(fleet: Fleet, repository: Path) -> None:
    before = commit(repository, {"b": "1"})
    worker = add_worker(fleet, repository, {"a": "1"})
    with pytest.raises(MergeRefused) as caught:
        fleet.merge(worker.id, MergeOptions(checks=["echo changed > a; false"]))
    ((_, *arguments),) = commands("conflicts.md", BEFORE=before)
    assert f"git {' '.join(arguments)}" in str(caught.value)
    git(repository, "checkout", "a")

    git(repository, *arguments)

    assert git(repository, "rev-parse", "main") == before
