"""What would be lost with a worktree is seen before it goes, and comes back if it went by force."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import git
from tests.support.scripted.bench import add_worker, commit
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration import clean
from worker_manager.crew.integration.clean import CleanOptions
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.domain.worker import Worker
from worker_manager.worktrees import changes


@pytest.fixture
def merged(fleet: Fleet, repository: Path) -> Worker:
    """With nothing left to merge."""
    commit(repository, {"config.ini": "old\n", "notes": "1\n2\n3\n"})
    worker = add_worker(fleet, repository, {"a": "1\n"})
    fleet.merge(worker.id, MergeOptions())
    return worker


def why_kept(fleet: Fleet, worker: Worker) -> str:
    (outcome,) = fleet.clean(CleanOptions([worker.id]))
    assert not fleet.worker(worker.id).cleaned
    assert os.path.isdir(worker.path)
    return outcome.why_not


def gone_and_back(fleet: Fleet, repository: Path, worker: Worker) -> Path:
    """Cleaned by force; all that only a reflog names is forgotten; brought back."""
    (outcome,) = fleet.clean(CleanOptions([worker.id], force=True))
    assert outcome.why_not == ""
    git(repository, "reflog", "expire", "--expire=now", "--all")
    git(repository, "gc", "-q", "--prune=now")
    clean.bring_back(fleet.records, worker.id)
    return Path(worker.path)


@pytest.mark.promise("clean-safe", "clean-back", "stop-saved")
@pytest.mark.parametrize(
    "flag", ["--assume-unchanged", "--skip-worktree", "both", "core.ignoreStat"]
)
def test_a_file_at_which_git_was_told_not_to_look_is_seen(
    fleet: Fleet, repository: Path, merged: Worker, flag: str
) -> None:
    tree = Path(merged.path)
    if flag == "core.ignoreStat":
        git(repository, "config", "core.ignoreStat", "true")
        git(tree, "update-index", "--really-refresh")
        git(tree, "reset", "-q", "--hard")
    else:
        flags = ("--assume-unchanged", "--skip-worktree") if flag == "both" else (flag,)
        for one in flags:
            git(tree, "update-index", one, "config.ini")
    (tree / "config.ini").write_text("the worker's\n", "utf-8")
    if flag != "core.ignoreStat":
        assert git(tree, "status", "--porcelain") == ""

    assert "1 file in it, 'config.ini' for one, are in no commit" in why_kept(fleet, merged)
    progress = changes.progress(merged.path, merged.branch, merged.base_sha)
    assert progress is not None
    assert progress.files == 2
    back = gone_and_back(fleet, repository, merged)
    assert (back / "config.ini").read_text("utf-8") == "the worker's\n"


@pytest.mark.promise("clean-safe", "clean-back")
def test_what_a_sparse_checkout_leaves_out_is_no_change(fleet: Fleet, repository: Path) -> None:
    commit(repository, {"in/a": "1", "out/b": "1"})
    worker = add_worker(fleet, repository)
    tree = Path(worker.path)
    git(tree, "sparse-checkout", "set", "in")
    assert not (tree / "out").exists()

    (tree / "out").mkdir()
    (tree / "out" / "loose").write_text("LOOSE", "utf-8")
    assert "'out/loose' for one" in why_kept(fleet, worker)
    back = gone_and_back(fleet, repository, worker)
    assert (back / "out" / "loose").read_text("utf-8") == "LOOSE"


def autostash(tree: Path) -> str:
    (tree / "notes").write_text("stashed\n2\n3\n", "utf-8")
    git(tree, "-c", "sequence.editor=sed -i 1ibreak", "rebase", "-q", "-i", "--autostash", "HEAD~1")
    directory = Path(git(tree, "rev-parse", "--absolute-git-dir"))
    return (directory / "rebase-merge" / "autostash").read_text("utf-8").strip()


def own_ref(tree: Path) -> str:
    sha = commit(tree, {"kept": "aside"})
    git(tree, "reset", "-q", "--hard", "HEAD~1")
    git(tree, "update-ref", "refs/worktree/aside", sha)
    git(tree, "reflog", "expire", "--expire=now", "HEAD")
    return sha


@pytest.mark.promise("clean-safe", "clean-back")
@pytest.mark.parametrize("begin", [autostash, own_ref])
def test_commits_that_only_this_worktree_names_are_kept(
    fleet: Fleet, repository: Path, merged: Worker, begin: Callable[[Path], str]
) -> None:
    sha = begin(Path(merged.path))

    gone_and_back(fleet, repository, merged)

    git(repository, "cat-file", "-e", sha)


@pytest.mark.promise("clean-safe")
def test_a_worktree_in_which_git_is_at_work_is_kept(fleet: Fleet, merged: Worker) -> None:
    autostash(Path(merged.path))
    assert git(merged.path, "status", "--porcelain") == ""

    assert "a rebase is under way in it" in why_kept(fleet, merged)


@pytest.mark.promise("clean-safe")
def test_work_in_the_stash_keeps_its_worktree_and_other_entries_do_not(
    fleet: Fleet, repository: Path, merged: Worker
) -> None:
    tree = Path(merged.path)
    (repository / "README").write_text("the person's", "utf-8")
    git(repository, "stash", "-q")
    (tree / "notes").write_text("stashed", "utf-8")
    git(tree, "stash", "-q")

    assert "its work lies in the stash (WIP on worker/" in why_kept(fleet, merged)
    git(tree, "stash", "drop", "-q")
    git(tree, "checkout", "-q", "--detach")
    (tree / "notes").write_text("stashed", "utf-8")
    git(tree, "stash", "-q")
    assert "its work lies in the stash (WIP on (no branch)" in why_kept(fleet, merged)
    git(tree, "stash", "drop", "-q")
    assert fleet.clean(CleanOptions([merged.id]))[0].why_not == ""
    assert "README" in git(repository, "stash", "show", "--name-only")


@pytest.mark.promise("clean-safe")
def test_merged_is_what_is_merged_now(fleet: Fleet, repository: Path, merged: Worker) -> None:
    git(repository, "reset", "-q", "--hard", "HEAD~1")

    assert "is not merged into main" in why_kept(fleet, merged)


@pytest.mark.promise("clean-safe")
def test_a_merge_into_a_branch_that_is_gone_counts_no_more(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    git(repository, "branch", "topic")
    fleet.merge(worker.id, MergeOptions(into="topic"))
    git(repository, "branch", "-D", "topic")

    assert "is not merged into topic" in why_kept(fleet, worker)


@pytest.mark.promise("clean-safe")
@pytest.mark.parametrize("how", ["detached", "renamed"])
def test_without_its_branch_the_head_tells_what_is_merged(
    fleet: Fleet, repository: Path, how: str
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    tree = Path(worker.path)
    if how == "detached":
        git(tree, "checkout", "-q", "--detach")
        git(tree, "branch", "-D", worker.branch)
    else:
        git(tree, "branch", "-m", "feature/renamed")

    said = why_kept(fleet, worker)

    assert "its worktree stands at" in said
    assert ("feature/renamed" in said) is (how == "renamed")
    git(repository, "merge", "-q", git(tree, "rev-parse", "HEAD"))
    assert fleet.clean(CleanOptions([worker.id]))[0].why_not == ""


@pytest.mark.promise("clean-safe", "clean-back")
@pytest.mark.parametrize("added", [False, True])
def test_what_a_filter_strips_is_kept_as_it_is(fleet: Fleet, repository: Path, added: bool) -> None:
    commit(repository, {".gitattributes": "*.nb filter=strip\n", "x.nb": "cell\n"})
    git(repository, "config", "filter.strip.clean", "grep -v OUTPUT")
    worker = add_worker(fleet, repository)
    book = Path(worker.path, "x.nb")
    book.write_text("cell\nOUTPUT 42\n", "utf-8")
    if added:
        git(worker.path, "add", "x.nb")
        assert git(worker.path, "status", "--porcelain") == ""

    said = why_kept(fleet, worker)
    assert "'x.nb' for one" in said
    back = gone_and_back(fleet, repository, worker)

    assert (back / "x.nb").read_text("utf-8") == "cell\nOUTPUT 42\n"


@pytest.mark.promise("clean-back")
def test_bytes_that_look_like_line_ends_come_back(fleet: Fleet, repository: Path) -> None:
    commit(repository, {".gitattributes": "* text\n"})
    worker = add_worker(fleet, repository)
    Path(worker.path, "data").write_bytes(b"\x00\r\n\x01\n\r\n")

    back = gone_and_back(fleet, repository, worker)

    assert (back / "data").read_bytes() == b"\x00\r\n\x01\n\r\n"


@pytest.mark.promise("clean-back")
def test_what_is_staged_while_files_are_in_conflict_is_saved(
    fleet: Fleet, repository: Path, merged: Worker
) -> None:
    tree = Path(merged.path)
    git(tree, "checkout", "-q", "-b", "side", "HEAD~1")
    commit(tree, {"a": "side\n"})
    with pytest.raises(Exception, match="merge"):
        git(tree, "merge", "-q", merged.branch)
    (tree / "only-staged").write_text("STAGED\n", "utf-8")
    git(tree, "add", "only-staged")
    blob = git(tree, "rev-parse", ":only-staged")
    (tree / "only-staged").write_text("later\n", "utf-8")

    gone_and_back(fleet, repository, merged)

    git(repository, "cat-file", "-e", blob)


@pytest.mark.promise("clean-safe", "clean-back")
@pytest.mark.parametrize("is_moved", [False, True])
def test_a_submodule_as_its_commit_wants_it_is_no_obstacle(
    fleet: Fleet, repository: Path, tmp_path: Path, is_moved: bool
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "-q", "-b", "main")
    commit(source, {"lib": "1"})
    local = ("-c", "protocol.file.allow=always")
    git(repository, *local, "submodule", "--quiet", "add", str(source), "lib")
    git(repository, "commit", "-q", "-m", "lib")
    worker = add_worker(fleet, repository)
    tree = Path(worker.path)
    git(tree, *local, "submodule", "--quiet", "update", "--init")
    if is_moved:
        commit(tree / "lib", {"lib": "the worker's"})

    (outcome,) = fleet.clean(CleanOptions([worker.id], force=is_moved))

    if is_moved:
        assert "another repository or worktree lies in it (lib)" in outcome.why_not
        git(tree / "lib", "reset", "-q", "--hard", "HEAD~1")
        (outcome,) = fleet.clean(CleanOptions([worker.id], force=True))
        assert "lies in it (lib)" in outcome.why_not  # its reflog has a commit of its own
    else:
        assert outcome.why_not == ""
        assert not os.path.lexists(tree)
        clean.bring_back(fleet.records, worker.id)
        assert git(tree, "status", "--porcelain") == ""


@pytest.mark.promise("clean-safe")
def test_a_merge_whose_checks_are_outstanding_counts_for_nothing(
    fleet: Fleet, merged: Worker
) -> None:
    fleet.records.update(merged.id, lambda one: one.merging(one.merge, ("make test",)))

    assert "its merge into main, or the checks of it, was cut off" in why_kept(fleet, merged)


@pytest.mark.promise("clean-safe")
def test_what_can_not_be_saved_now_lies_where_it_was(
    fleet: Fleet, repository: Path, merged: Worker
) -> None:
    objects = repository / ".git" / "refs" / "worker-manager"
    objects.parent.mkdir(exist_ok=True)
    objects.touch()  # no ref can be written below it

    (outcome,) = fleet.clean(CleanOptions([merged.id]))

    assert "failed" in outcome.why_not
    assert os.path.isdir(merged.path)
    assert not fleet.worker(merged.id).cleaned
    objects.unlink()
    assert fleet.clean(CleanOptions([merged.id]))[0].why_not == ""


@pytest.mark.promise("clean-safe", "clean-back")
def test_a_worktree_that_was_removed_during_a_conflict_can_be_cleaned_by_force(
    fleet: Fleet, repository: Path, merged: Worker
) -> None:
    commit(repository, {"notes": "theirs\n"})
    commit(merged.path, {"notes": "its own\n"})
    with pytest.raises(subprocess.CalledProcessError):
        git(Path(merged.path), "merge", "main")
    shutil.rmtree(merged.path)

    back = gone_and_back(fleet, repository, merged)

    assert (back / "notes").read_text("utf-8") == "its own\n"


@pytest.mark.promise("clean-back")
def test_a_message_of_the_workers_makes_its_commit_no_copy_of_files(
    fleet: Fleet, repository: Path, merged: Worker
) -> None:
    git(Path(merged.path), "commit", "-q", "--allow-empty", "-m", "Keep it: as on the disk")
    Path(merged.path, "notes").write_text("newer\n", "utf-8")

    back = gone_and_back(fleet, repository, merged)

    assert (back / "notes").read_text("utf-8") == "newer\n"
