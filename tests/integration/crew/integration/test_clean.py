"""Cleaning: only what is ours and can be found again; and bringing it back."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet
from tests.support.scripted.bench import add_worker, commit, set_status
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration import clean
from worker_manager.crew.integration.clean import CleanOptions
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.domain.worker import Status, Worker
from worker_manager.errors import InvalidInput, WorkerNotFound
from worker_manager.views import inspection


def why_kept(fleet: Fleet, worker: Worker, *, force: bool = False) -> str:
    """What is said of the one worker that must not go; nothing has changed then."""
    before = trees_and_branches(Path(worker.project))
    (outcome,) = fleet.clean(CleanOptions([worker.id], force=force))
    assert trees_and_branches(Path(worker.project)) == before
    assert not fleet.worker(worker.id).cleaned
    return outcome.why_not


def trees_and_branches(repository: Path) -> str:
    form = "--format=%(refname) %(objectname)"
    listed = git(repository, "for-each-ref", form, "refs/heads/")
    return f"{git(repository, 'worktree', 'list')}\n{listed}"


def back(fleet: Fleet, worker: Worker) -> None:
    clean.bring_back(fleet.records, worker.id)


@pytest.mark.promise("clean-safe")
@pytest.mark.parametrize("strategy", ["merge", "squash", "rebase"])
def test_merged_workers_go_and_the_rest_stays_with_a_reason(
    fleet: Fleet, repository: Path, strategy: str
) -> None:
    merged = add_worker(fleet, repository, {"a": "1" * 10_000})
    unmerged = add_worker(fleet, repository, {"b": "1"})
    dirty = add_worker(fleet, repository)
    (Path(dirty.path) / "left").touch()
    running = add_worker(fleet, repository, status=Status.RUNNING)
    commit(repository, {"mine": "x"})
    fleet.merge(merged.id, MergeOptions(strategy))
    main = git(repository, "rev-parse", "main")

    rehearsed = {one.worker.id: one for one in fleet.clean(CleanOptions(is_dry_run=True))}
    assert os.path.isdir(merged.path)
    outcomes = {one.worker.id: one for one in fleet.clean(CleanOptions())}

    assert {key: one.why_not for key, one in rehearsed.items()} == {
        key: one.why_not for key, one in outcomes.items()
    }
    assert outcomes[merged.id].why_not == ""
    assert outcomes[merged.id].freed >= 10_000
    assert "not merged into main: merge it" in outcomes[unmerged.id].why_not
    assert "1 file in it, 'left' for one, are in no commit" in outcomes[dirty.id].why_not
    assert running.id not in outcomes
    assert not os.path.lexists(merged.path)
    assert git(repository, "branch", "--list", merged.branch) == ""
    assert git(repository, "rev-parse", "main") == main
    assert os.path.isdir(unmerged.path)
    assert fleet.worker(merged.id).cleaned.startswith(f"refs/worker-manager/{merged.id}/")
    assert fleet.workers()[0].missing == ""


def test_an_unfinished_worker_stays_whatever_is_asked(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, status=Status.RUNNING)

    assert "it is running: wait for its report" in why_kept(fleet, worker, force=True)
    with pytest.raises(WorkerNotFound):
        fleet.clean(CleanOptions(["12345678"]))
    with pytest.raises(InvalidInput, match="force needs ids"):
        fleet.clean(CleanOptions(force=True))


@pytest.mark.promise("clean-back")
def test_what_was_forced_away_comes_back_with_all_its_files(fleet: Fleet, repository: Path) -> None:
    commit(repository, {".gitignore": "*.log\n", "gone": "x", "exec": "x"})
    worker = add_worker(fleet, repository, {"a": "1"})
    tree = Path(worker.path)
    (tree / "a").write_text("changed", "utf-8")
    (tree / "new\nname ünï").write_bytes(b"\0\xff\r\n")
    (tree / "link").symlink_to("/nowhere")
    (tree / "exec").chmod(0o755)
    (tree / "gone").unlink()
    (tree / "made.log").touch()
    status = git(tree, "status", "--porcelain")
    tip = git(repository, "rev-parse", worker.branch)

    (outcome,) = fleet.clean(CleanOptions([worker.id], force=True))
    assert outcome.why_not == ""
    assert not os.path.lexists(tree)
    back(fleet, worker)

    assert git(tree, "status", "--porcelain") == status
    assert git(repository, "rev-parse", worker.branch) == tip
    assert (tree / "new\nname ünï").read_bytes() == b"\0\xff\r\n"
    assert os.readlink(tree / "link") == "/nowhere"
    assert not (tree / "made.log").exists()
    assert fleet.worker(worker.id).cleaned == ""


@pytest.mark.promise("clean-back")
def test_commits_that_only_a_reflog_names_are_kept(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    tree = Path(worker.path)
    lost = [commit(tree, {"a": "thrown away"})]
    git(tree, "reset", "-q", "--hard", "HEAD~1")
    lost.append(git(tree, "rev-parse", "HEAD"))
    git(tree, "commit", "-q", "--amend", "-m", "other words")
    git(tree, "checkout", "-q", "--detach")
    lost.append(commit(tree, {"d": "detached"}))
    git(tree, "checkout", "-q", worker.branch)
    (tree / "staged").write_text("staged", "utf-8")
    git(tree, "add", "staged")
    staged = git(tree, "rev-parse", ":staged")
    (tree / "staged").write_text("later", "utf-8")

    fleet.clean(CleanOptions([worker.id], force=True))
    git(repository, "reflog", "expire", "--expire=now", "--all")
    git(repository, "gc", "-q", "--prune=now")

    for sha in (*lost, staged):
        git(repository, "cat-file", "-e", sha)


@pytest.mark.promise("clean-ours")
def test_nothing_is_removed_through_a_link(fleet: Fleet, repository: Path, tmp_path: Path) -> None:
    worker = add_worker(fleet, repository)
    elsewhere = tmp_path / "elsewhere"
    os.rename(worker.path, elsewhere)
    os.symlink(elsewhere, worker.path)

    assert "a symbolic link lies there, which is not followed" in why_kept(
        fleet, worker, force=True
    )
    assert (elsewhere / "README").exists()


@pytest.mark.promise("clean-ours")
def test_a_link_inside_of_a_worktree_is_removed_and_not_followed(
    fleet: Fleet, repository: Path, tmp_path: Path
) -> None:
    worker = add_worker(fleet, repository)
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "file").touch()
    (Path(worker.path) / "link").symlink_to(outside)
    read_only = Path(worker.path) / "cache"
    read_only.mkdir()
    (read_only / "file").touch()
    read_only.chmod(0o555)

    assert fleet.clean(CleanOptions([worker.id], force=True))[0].why_not == ""

    assert (outside / "deep" / "file").exists()
    assert not os.path.lexists(worker.path)


@pytest.mark.promise("clean-ours")
def test_only_what_we_made_is_removed(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository)
    git(repository, "worktree", "remove", worker.path)
    Path(worker.path).mkdir()
    (Path(worker.path) / "precious").touch()
    assert "its .git file is gone" in why_kept(fleet, worker, force=True)

    (Path(worker.path) / "precious").unlink()
    Path(worker.path).rmdir()
    git(repository, "worktree", "add", "-q", worker.path, worker.branch)
    assert "what lies there is another one" in why_kept(fleet, worker, force=True)

    other = add_worker(fleet, repository)
    git(repository, "worktree", "lock", "--reason", "MINE", other.path)
    assert "its worktree is locked (MINE)" in why_kept(fleet, other, force=True)


@pytest.mark.promise("clean-ours")
def test_the_main_checkout_and_a_branch_that_is_used_elsewhere_stay(
    fleet: Fleet, repository: Path, tmp_path: Path
) -> None:
    worker = add_worker(fleet, repository)
    git(Path(worker.path), "checkout", "-q", "--detach")
    git(repository, "checkout", "-q", worker.branch)

    said = why_kept(fleet, worker, force=True)

    assert said == f"its branch is checked out in {repository}"


@pytest.mark.promise("clean-ours")
@pytest.mark.parametrize("kind", ["repository", "worktree", "submodule", "ignored"])
def test_repositories_within_are_never_removed_unseen(
    fleet: Fleet, repository: Path, kind: str, tmp_path: Path
) -> None:
    commit(repository, {".gitignore": "ignored\n"})
    worker = add_worker(fleet, repository)
    tree = Path(worker.path)
    inner = tree / kind
    if kind == "worktree":
        inner = tree / "ignored" / kind  # nobody but git's list of worktrees tells of it
        git(tree, "worktree", "add", "-q", "--detach", str(inner))
    elif kind == "submodule":
        git(tree, "-c", "protocol.file.allow=always", "submodule", "add", str(repository), kind)
        git(tree, "commit", "-q", "-m", "sub")
        commit(inner, {"own": "1"})  # that nobody else has
        git(inner, "checkout", "-q", "HEAD~1")
    else:
        inner.mkdir()
        git(inner, "init", "-q")
    git(repository, "merge", "-q", worker.branch)

    said = why_kept(fleet, worker, force=kind != "ignored")

    assert "repository" in said
    assert kind in said


@pytest.mark.promise("clean-safe")
def test_a_worktree_that_somebody_removed_is_forgotten_and_its_branch_kept_safe(
    fleet: Fleet, repository: Path
) -> None:
    other = add_worker(fleet, repository, {"b": "1"})
    worker = add_worker(fleet, repository, {"a": "1"})
    for one in (worker, other):
        git(repository, "worktree", "move", one.path, f"{one.path}-away")
        git(repository, "worktree", "move", f"{one.path}-away", one.path)
        os.rename(one.path, f"{one.path}-on-another-disk")

    assert "is not merged" in why_kept(fleet, worker)
    git(repository, "merge", "-q", worker.branch)
    assert "was moved or removed" in why_kept(fleet, worker)
    assert fleet.clean(CleanOptions([worker.id], force=True))[0].why_not == ""

    listed = git(repository, "worktree", "list")
    assert worker.path not in listed
    assert other.path in listed
    back(fleet, worker)
    assert (Path(worker.path) / "a").exists()


@pytest.mark.promise("stop-restored")
def test_what_a_stop_saved_comes_back_when_somebody_removed_the_worktree(
    fleet: Fleet, repository: Path
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"}, status=Status.RUNNING)
    (Path(worker.path) / "new").write_text("new", "utf-8")
    stopped = fleet.stop(worker.id)
    assert stopped.saved
    git(repository, "worktree", "remove", "--force", worker.path)
    git(repository, "branch", "-D", worker.branch)

    back(fleet, worker)
    assert (Path(worker.path) / "new").read_text("utf-8") == "new"

    (Path(worker.path) / "new").unlink()
    commit(worker.path, {"a": "2"})
    git(repository, "worktree", "remove", worker.path)
    back(fleet, worker)
    assert not (Path(worker.path) / "new").exists()  # saved before that commit: out of date
    assert (Path(worker.path) / "a").read_text("utf-8") == "2"


def test_a_worker_without_a_worktree_loses_its_terminal_only(
    fleet: Fleet, repository: Path
) -> None:

    worker = add_worker(fleet, repository)
    fleet.records.update(worker.id, lambda one: one._replace(branch="", path=str(repository)))

    assert fleet.clean(CleanOptions())[0].why_not == ""

    assert (repository / "README").exists()
    assert fleet.clean(CleanOptions()) == []
    back(fleet, worker)
    assert fleet.worker(worker.id).cleaned == ""


def test_another_sessions_workers_are_not_cleaned(
    fleet: Fleet, repository: Path, tmux_socket: str
) -> None:
    worker = add_worker(fleet, repository)
    other = make_fleet(repository, tmux_socket, "session-2")

    assert other.clean(CleanOptions()) == []
    with pytest.raises(WorkerNotFound):
        other.clean(CleanOptions([worker.id]))


def test_cleaning_is_suggested_when_much_is_left(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository)
    many = [worker] * clean.HINT_THRESHOLD

    old = worker._replace(changed_at="2020-01-01T00:00:00+00:00")

    assert clean.advice([worker]) == ""
    assert "8 finished workers still have a worktree" in clean.advice(many)
    assert "1 finished worker still" in clean.advice([old])
    assert clean.advice([old._replace(cleaned="refs/x")] * 9) == ""
    set_status(fleet, worker, Status.RUNNING)
    assert clean.advice([fleet.worker(worker.id)] * 9) == ""


def test_a_cleaned_worker_can_still_be_looked_at(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "COMMITTED-1\n"})
    (Path(worker.path) / "b").write_text("LEFT-1\n", "utf-8")
    fleet.clean(CleanOptions([worker.id], force=True))

    view = inspection.look(fleet, worker.id, "diff", "", 8_000)

    assert "+COMMITTED-1" in view.text
    assert "+LEFT-1" in view.text


@pytest.mark.promise("clean-safe")
def test_what_git_can_not_save_is_not_removed_by_force_either(
    fleet: Fleet, repository: Path
) -> None:
    commit(repository, {".gitattributes": "*.big filter=gone\n"})
    worker = add_worker(fleet, repository)
    (Path(worker.path) / "x.big").write_text("x", "utf-8")
    git(repository, "config", "filter.gone.clean", "false")
    git(repository, "config", "filter.gone.required", "true")

    assert "'x.big' in it can't be saved: commit or move it" in why_kept(fleet, worker, force=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and remove everything")
def test_what_can_not_be_read_is_named_and_a_read_only_directory_goes(
    fleet: Fleet, repository: Path
) -> None:
    worker = add_worker(fleet, repository)
    secret = Path(worker.path) / "secret"
    secret.write_text("x", "utf-8")
    secret.chmod(0)
    (Path(worker.path) / "last").write_text("x", "utf-8")

    assert "'secret' in it can't be saved" in why_kept(fleet, worker, force=True)
    (ref,) = git(repository, "for-each-ref", "--format=%(refname)", "refs/worker-manager/").split()
    assert git(repository, "show", f"{ref}:last") == "x"

    secret.unlink()
    (Path(worker.path) / "cache").mkdir()
    (Path(worker.path) / "cache" / "file").touch()
    (Path(worker.path) / "cache").chmod(0o555)
    assert fleet.clean(CleanOptions([worker.id], force=True))[0].why_not == ""
    assert not os.path.lexists(worker.path)


@pytest.mark.promise("clean-safe")
def test_commits_beside_the_branch_keep_a_worktree(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository)
    git(Path(worker.path), "checkout", "-q", "--detach")
    sha = commit(worker.path, {"a": "1"})

    said = why_kept(fleet, worker)

    assert said == f"its worktree stands at {sha[:12]}, which {worker.branch} does not have"


@pytest.mark.promise("clean-ours")
@pytest.mark.parametrize("force", [False, True])
def test_directories_in_directories_are_removed_however_deep(
    fleet: Fleet, repository: Path, request: pytest.FixtureRequest, *, force: bool
) -> None:
    commit(repository, {".gitignore": "d\n"})
    worker = add_worker(fleet, repository)
    # Whatever becomes of the test: others that remove its directory could not.
    request.addfinalizer(lambda: subprocess.run(["rm", "-rf", str(repository)], check=True))
    deep = os.path.join(worker.path, *["d"] * 1_100)
    subprocess.run(["mkdir", "-p", deep], check=True)

    (outcome,) = fleet.clean(CleanOptions([worker.id], force=force))

    assert outcome.why_not == ""
    assert not os.path.lexists(worker.path)
