"""A directory is a worker's worktree only when git and our mark say so: else nothing is asked,
saved or removed there, and there is a way back.
"""

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
from worker_manager.crew.lifecycle import stop
from worker_manager.crew.reporting import evidence
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import WorktreeRefused
from worker_manager.text.rendering import for_models
from worker_manager.views import inspection
from worker_manager.worktrees import changes, marks, own, removal


def pointer_gone(tree: Path, _: Path) -> None:
    """What `rm -rf .git` does to a worktree."""
    (tree / ".git").unlink()


def other_repository(tree: Path, _: Path) -> None:
    """An agent that scaffolds a project: `rm -rf .git && git init`."""
    (tree / ".git").unlink()
    git(tree, "init", "-q", "-b", "main")
    commit(tree, {"scaffold": "x"})


def link(tree: Path, elsewhere: Path) -> None:
    """The directory replaced by a link to a repository of somebody's."""
    os.rename(tree, f"{tree}-away")
    elsewhere.mkdir()
    git(elsewhere, "init", "-q", "-b", "main")
    commit(elsewhere, {"theirs": "x"})
    (elsewhere / "loose").write_text("theirs", "utf-8")
    tree.symlink_to(elsewhere)


def another_worktree(tree: Path, elsewhere: Path) -> None:
    """The pointer of another worktree of the same repository."""
    git(tree, "worktree", "add", "-q", "--detach", str(elsewhere))
    (tree / ".git").write_bytes((elsewhere / ".git").read_bytes())


def settings_elsewhere(tree: Path, elsewhere: Path) -> None:
    """What a worker may do that writes where git commits: settings that run a command."""
    elsewhere.mkdir()
    git(elsewhere, "init", "-q", "-b", "main")
    git(elsewhere, "config", "core.fsmonitor", f"touch '{elsewhere}/ran'; false")
    admin = Path(git(tree, "rev-parse", "--absolute-git-dir"))
    (elsewhere / ".git" / "refs" / "heads" / "w").mkdir(parents=True)
    (admin / "commondir").write_text(f"{elsewhere}/.git\n", "utf-8")


LOST = pytest.mark.parametrize(
    "lose", [pointer_gone, other_repository, link, another_worktree, settings_elsewhere]
)


@pytest.fixture
def worker(fleet: Fleet, repository: Path) -> Worker:
    """With a commit and a loose file, beside a person's own."""
    added = add_worker(fleet, repository, {"a": "1"}, status=Status.FAILED)
    Path(added.path, "precious").write_text("PRECIOUS", "utf-8")
    (repository / "README").write_text("the person's\n", "utf-8")
    (repository / "secret.txt").write_text("SECRET", "utf-8")
    return added


def state(repository: Path) -> str:
    """All refs, files and what git says of them."""
    refs = git(repository, "for-each-ref")
    files = sorted(
        (str(one), one.read_bytes() if one.is_file() and not one.is_symlink() else b"")
        for one in repository.rglob("*")
        if one.relative_to(repository).parts[0] != ".git"
    )
    return f"{refs}\n{git(repository, 'status', '--porcelain')}\n{files}"


@pytest.mark.promise("clean-ours", "worktree-looked-at")
@LOST
@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_worktree_any_more_is_neither_cleaned_nor_saved(
    fleet: Fleet,
    repository: Path,
    worker: Worker,
    tmp_path: Path,
    lose: Callable[[Path, Path], None],
    force: bool,
) -> None:
    lose(Path(worker.path), tmp_path / "elsewhere")
    before = state(repository)

    (outcome,) = fleet.clean(CleanOptions([worker.id], force=force))

    assert f"is no worktree of {worker.branch} any more" in outcome.why_not
    assert "restore_worker" in for_models(outcome.why_not)
    assert state(repository) == before
    assert not fleet.worker(worker.id).cleaned


@pytest.mark.promise("stop-saved", "worktree-looked-at")
@LOST
def test_a_stop_saves_nothing_of_somebody_elses_and_says_so(
    fleet: Fleet,
    repository: Path,
    worker: Worker,
    tmp_path: Path,
    lose: Callable[[Path, Path], None],
) -> None:
    lose(Path(worker.path), tmp_path / "elsewhere")
    before = state(repository)

    stopped = fleet.stop(worker.id)

    assert stopped.saved == ""
    assert state(repository) == before
    for other in (repository, tmp_path / "elsewhere"):
        if (other / ".git").exists():
            assert git(other, "for-each-ref", "refs/worker-manager/") == ""


@pytest.mark.promise("evidence", "worktree-looked-at")
@LOST
def test_evidence_diff_and_figures_are_never_those_of_another_checkout(
    fleet: Fleet,
    repository: Path,
    worker: Worker,
    tmp_path: Path,
    lose: Callable[[Path, Path], None],
) -> None:
    lose(Path(worker.path), tmp_path / "elsewhere")

    told = evidence.examine(worker, fleet.records.home(worker.id))

    assert "no worktree of" in told
    assert "secret.txt" not in told
    assert changes.progress(worker.path, worker.branch, worker.base_sha) is None
    shown = inspection.changes(worker)
    assert "SECRET" not in shown
    assert "the person's" not in shown
    assert "+1" in shown  # what its branch has


@pytest.mark.promise("clean-back", "worktree-looked-at")
@LOST
def test_a_worktree_comes_back_with_all_its_files_and_what_was_in_its_place_stays(
    fleet: Fleet,
    repository: Path,
    worker: Worker,
    tmp_path: Path,
    lose: Callable[[Path, Path], None],
) -> None:
    tree = Path(worker.path)
    lose(tree, tmp_path / "elsewhere")
    before = git(repository, "status", "--porcelain")

    clean.bring_back(fleet.records, worker.id)

    assert own.look(worker.path, worker.branch)
    assert git(tree, "branch", "--show-current") == worker.branch
    assert (tree / "a").read_text("utf-8") == "1"
    held = [one for one in tree.parent.rglob("precious") if one.read_text("utf-8") == "PRECIOUS"]
    assert held
    if lose is other_repository:
        aside = Path(f"{tree}{removal.FOUND}1")
        assert git(aside, "log", "--format=%s") == "work"
    assert git(repository, "status", "--porcelain") == before
    assert git(repository, "branch", "--show-current") == "main"


@pytest.mark.promise("clean-back", "worktree-looked-at")
def test_a_restore_does_not_take_a_directory_for_the_worktree(
    fleet: Fleet, repository: Path, worker: Worker
) -> None:
    tree = Path(worker.path)
    (outcome,) = fleet.clean(CleanOptions([worker.id], force=True))
    assert outcome.why_not == ""
    (tree / ".cache").mkdir(parents=True)  # a watcher that outlived the terminal

    clean.bring_back(fleet.records, worker.id)

    assert git(tree, "rev-parse", "--show-toplevel") == str(tree)
    assert git(tree, "branch", "--show-current") == worker.branch
    assert (tree / "precious").read_text("utf-8") == "PRECIOUS"
    assert Path(f"{tree}{removal.FOUND}1", ".cache").is_dir()
    assert (repository / "README").read_text("utf-8") == "the person's\n"


@pytest.mark.promise("clean-killed", "worktree-looked-at")
def test_what_is_made_where_a_worktree_was_is_no_part_of_its_removal(
    fleet: Fleet, repository: Path, worker: Worker
) -> None:
    tree = Path(worker.path)
    os.rename(tree, f"{tree}{removal.GOING}")  # a clean that was killed after this
    (tree / ".cache").mkdir(parents=True)

    (outcome,) = fleet.clean(CleanOptions([worker.id], force=True))

    assert outcome.why_not == ""
    ref = fleet.worker(worker.id).cleaned
    assert git(repository, "show", f"{ref}:precious") == "PRECIOUS"
    assert "secret.txt" not in git(repository, "ls-tree", "--name-only", ref)
    assert (tree / ".cache").is_dir()
    assert not os.path.lexists(f"{tree}{removal.GOING}")
    assert git(repository, "branch", "--list", worker.branch) == ""


@pytest.mark.promise("clean-killed")
def test_a_process_that_outlived_its_terminal_loses_nothing_that_it_writes(
    fleet: Fleet, repository: Path, worker: Worker
) -> None:
    script = "n=0; while [ $n -lt 300 ]; do n=$((n+1)); echo $n > late-$n; sleep 0.01; done"
    with subprocess.Popen(["sh", "-c", script], cwd=worker.path) as writer:
        for _ in range(50):
            (outcome,) = fleet.clean(CleanOptions([worker.id], force=True))
            if outcome.why_not:
                assert "a process still writes" in outcome.why_not
            if writer.poll() is not None:
                break
        writer.wait()
    fleet.clean(CleanOptions([worker.id], force=True))

    written = {f"late-{number}" for number in range(1, 301)}
    ref = fleet.worker(worker.id).cleaned
    held = set(git(repository, "ls-tree", "--name-only", ref).split("\n"))
    assert written - held == set()
    assert not os.path.lexists(worker.path)
    assert not os.path.lexists(f"{worker.path}{removal.GOING}")


@pytest.mark.promise("clean-back", "worktree-looked-at")
@pytest.mark.parametrize("lost", ["its .git file", "its name"])
def test_files_that_lie_there_are_newer_than_what_a_stop_saved(
    fleet: Fleet, worker: Worker, lost: str
) -> None:
    tree = Path(worker.path)
    (tree / "a").write_text("saved by the stop", "utf-8")
    stop.save(fleet.context, worker)
    (tree / "a").write_text("written later", "utf-8")
    if lost == "its .git file":
        (tree / ".git").unlink()
    else:  # as a clean leaves it that is killed before it has saved anything
        os.rename(tree, f"{tree}{removal.GOING}")

    clean.bring_back(fleet.records, worker.id)

    assert (tree / "a").read_text("utf-8") == "written later"
    assert (tree / "precious").read_text("utf-8") == "PRECIOUS"


@pytest.mark.promise("clean-ours")
def test_a_persons_worktree_in_its_place_is_moved_aside_with_all_git_knows_of_it(
    fleet: Fleet, repository: Path, worker: Worker
) -> None:
    fleet.clean(CleanOptions([worker.id], force=True))
    git(repository, "worktree", "add", "-q", "--detach", worker.path, "main")
    theirs = commit(worker.path, {"theirs": "x"})
    Path(worker.path, "staged").write_text("x", "utf-8")
    git(Path(worker.path), "add", "staged")

    clean.bring_back(fleet.records, worker.id)

    aside = Path(f"{worker.path}{removal.FOUND}1")
    assert git(aside, "rev-parse", "--show-toplevel", "HEAD") == f"{aside}\n{theirs}"
    assert git(aside, "diff", "--cached", "--name-only") == "staged"
    assert Path(worker.path, "precious").read_text("utf-8") == "PRECIOUS"
    assert str(aside) in git(repository, "worktree", "list")
    own.look(worker.path, worker.branch)


@pytest.mark.promise("clean-ours")
def test_what_git_knows_of_a_persons_worktree_that_is_not_there_stays(
    fleet: Fleet, repository: Path, worker: Worker
) -> None:
    fleet.clean(CleanOptions([worker.id], force=True))
    git(repository, "worktree", "add", "-q", "--detach", worker.path, "main")
    theirs = commit(worker.path, {"theirs": "x"})
    elsewhere = repository.parent / "elsewhere"
    os.rename(worker.path, elsewhere)

    with pytest.raises(WorktreeRefused, match="git worktree repair"):
        clean.bring_back(fleet.records, worker.id)

    assert git(elsewhere, "rev-parse", "HEAD") == theirs
    git(elsewhere, "worktree", "repair")
    clean.bring_back(fleet.records, worker.id)
    assert Path(worker.path, "precious").read_text("utf-8") == "PRECIOUS"


@pytest.mark.promise("worktree-looked-at")
def test_a_file_in_the_place_of_a_worktree_is_moved_aside(worker: Worker, fleet: Fleet) -> None:
    shutil.rmtree(worker.path)
    Path(worker.path).write_text("somebody's", "utf-8")

    clean.bring_back(fleet.records, worker.id)

    assert Path(worker.path, "a").read_text("utf-8") == "1"
    assert Path(f"{worker.path}{removal.FOUND}1").read_text("utf-8") == "somebody's"


@pytest.mark.promise("worktree-looked-at")
def test_nobody_waits_at_a_pipe_in_the_place_of_the_pointer(worker: Worker) -> None:
    Path(worker.path, ".git").unlink()
    os.mkfifo(Path(worker.path, ".git"))

    assert not own.stands(worker.path, worker.branch)
    assert not marks.is_ours(worker.path)


@pytest.mark.promise("clean-killed")
def test_what_came_after_the_last_look_is_named_and_stays(
    fleet: Fleet, repository: Path, worker: Worker
) -> None:
    (outcome,) = fleet.clean(CleanOptions([worker.id], force=True))
    assert outcome.why_not == ""
    going = Path(f"{worker.path}{removal.GOING}")
    going.mkdir()
    (going / "late").write_text("LATE", "utf-8")

    (again,) = fleet.clean(CleanOptions([worker.id]))

    assert "has something that came while it was removed" in again.why_not
    assert (going / "late").read_text("utf-8") == "LATE"


@pytest.mark.promise("worktree-looked-at")
def test_no_command_runs_that_a_worker_has_written_into_settings(
    fleet: Fleet, worker: Worker, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    settings_elsewhere(Path(worker.path), elsewhere)
    subprocess.run(["git", "-C", worker.path, "status"], capture_output=True, check=False)
    assert (elsewhere / "ran").exists()  # it would
    (elsewhere / "ran").unlink()

    evidence.examine(worker, fleet.records.home(worker.id))
    changes.progress(worker.path, worker.branch, worker.base_sha)
    inspection.changes(worker)
    fleet.stop(worker.id)
    fleet.clean(CleanOptions([worker.id], force=True))
    clean.bring_back(fleet.records, worker.id)

    assert not (elsewhere / "ran").exists()
    assert own.look(worker.path, worker.branch)
