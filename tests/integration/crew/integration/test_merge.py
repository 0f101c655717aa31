"""Merging: all of it or nothing, the person's files, hooks and signature respected."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import git
from tests.support.scripted.bench import add_worker, commit, state, write_hook
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.domain.worker import Status
from worker_manager.errors import InvalidInput, MergeRefused, WorkerNotFound, WorktreeRefused
from worker_manager.state import journal
from worker_manager.text.rendering import for_models
from worker_manager.worktrees import ref_update

STRATEGIES = ("merge", "squash", "rebase")


@pytest.mark.promise("merge-whole")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_merge_gives_what_git_itself_would(
    fleet: Fleet, repository: Path, tmp_path: Path, strategy: str
) -> None:
    worker = add_worker(fleet, repository, {"a": "1\n", "README": "hello\nworker\n"}, title="Add a")
    commit(worker.path, {"b c": "2\n"}, "second")
    commit(repository, {"mine": "3\n"})
    twin = tmp_path / "twin"
    shutil.copytree(repository, twin)
    own = {
        "merge": ("merge", "--no-ff", "-m", "x", worker.branch),
        "squash": ("merge", "--squash", worker.branch),
        "rebase": ("rebase", "main", worker.branch),
    }[strategy]
    shutil.rmtree(twin / ".worktrees")
    shutil.rmtree(twin / ".git" / "worktrees")
    git(twin, *own)
    before = git(repository, "rev-parse", "HEAD")

    merged = fleet.merge(worker.id, MergeOptions(strategy))

    tree = git(twin, "write-tree")
    assert git(repository, "rev-parse", "main^{tree}") == tree
    assert git(repository, "write-tree") == tree
    assert git(repository, "status", "--porcelain") == ""
    assert (repository / "b c").read_text("utf-8") == "2\n"
    count = {"merge": "3", "squash": "1", "rebase": "2"}[strategy]
    assert git(repository, "rev-list", "--count", f"{before}..main") == count
    assert git(repository, "merge-base", "--is-ancestor", before, "main") == ""
    assert " b c " in merged.changed
    record = fleet.worker(worker.id).merge
    assert record is not None
    assert (record.sha, record.into) == (git(repository, "rev-parse", "main"), "main")
    assert record.done
    notes = Path(journal.path_of(fleet.records.home(worker.id))).read_text("utf-8")
    assert '"event": "merged", "into": "main"' in notes


def test_a_rebased_commit_keeps_its_author_date_and_message(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository)
    tree = Path(worker.path)
    git(tree, "config", "user.name", "Wörker")
    (tree / "a").touch()
    git(tree, "add", ".")
    words = "Sübject\n\n# no comment\n\nbody\n"
    git(tree, "commit", "-q", "--cleanup=verbatim", "-m", words, "--date=2001-02-03T04:05:06+0700")
    commit(repository, {"mine": "x"})

    fleet.merge(worker.id, MergeOptions("rebase"))

    form = "--format=%an %aI%n%B"
    shown = git(repository, "show", "--no-patch", form, "main")
    assert shown == git(repository, "show", "--no-patch", form, worker.branch)
    assert shown.startswith("Wörker 2001-02-03T04:05:06+07:00")


def test_a_commit_that_is_there_already_is_passed_over_and_one_that_was_reverted_is_not(
    fleet: Fleet, repository: Path
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    again = commit(worker.path, {"b": "1"})
    commit(repository, {"mine": "x"})
    git(repository, "cherry-pick", worker.branch + "~1", again)
    git(repository, "revert", "--no-edit", "HEAD")
    before = git(repository, "rev-parse", "HEAD")

    fleet.merge(worker.id, MergeOptions("rebase"))

    assert git(repository, "rev-list", "--count", f"{before}..main") == "1"
    assert (repository / "b").exists()


@pytest.mark.promise("merge-conflict")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_conflict_changes_nothing_and_names_files_and_hunks(
    fleet: Fleet, repository: Path, strategy: str
) -> None:
    worker = add_worker(fleet, repository, {"README": "theirs\n", "bin\nary": "a\0b"})
    commit(repository, {"README": "ours\n", "bin\nary": "b\0c"})
    before = state(repository)

    with pytest.raises(MergeRefused) as caught:
        fleet.merge(worker.id, MergeOptions(strategy))

    said = for_models(caught.value.text)
    assert "'README'" in said
    assert r"'bin\nary'" in said
    assert "ours\n=======\ntheirs" in caught.value.shown
    assert f'nudge_worker(id="{worker.id}"' in said
    assert state(repository) == before
    assert fleet.worker(worker.id).merge is None


@pytest.mark.promise("merge-conflict")
def test_a_rebase_that_would_lose_what_a_merge_resolved_is_refused(
    fleet: Fleet, repository: Path
) -> None:
    worker = add_worker(fleet, repository, {"a": "1\n"})
    commit(repository, {"b": "main\n"})
    tree = Path(worker.path)
    git(tree, "merge", "-q", "--no-commit", "main")
    commit(tree, {"only in the merge": "x"})

    with pytest.raises(MergeRefused, match="Choose the strategy merge or squash"):
        fleet.merge(worker.id, MergeOptions("rebase"))
    fleet.merge(worker.id, MergeOptions("squash"))

    assert (repository / "only in the merge").exists()


@pytest.mark.promise("merge-files")
def test_changes_of_the_persons_own_are_never_touched(fleet: Fleet, repository: Path) -> None:
    commit(repository, {"other": "x\n", ".gitignore": "secret\n"})
    worker = add_worker(fleet, repository, {"README": "worker\n"})
    (repository / "README").write_text("mine", "utf-8")
    before = state(repository)

    with pytest.raises(MergeRefused, match=r"'README' in .* has changes of their own.*Commit or"):
        fleet.merge(worker.id, MergeOptions())
    assert state(repository) == before
    assert fleet.worker(worker.id).merge is None

    git(repository, "checkout", "README")
    (repository / "other").write_text("mine", "utf-8")
    (repository / "new").write_text("mine", "utf-8")
    fleet.merge(worker.id, MergeOptions())
    assert git(repository, "status", "--porcelain") == "M other\n?? new"
    assert (repository / "README").read_text("utf-8") == "worker\n"


@pytest.mark.promise("merge-files")
@pytest.mark.parametrize("name", ["secret", "new"])
def test_untracked_and_ignored_files_are_not_overwritten(
    fleet: Fleet, repository: Path, name: str
) -> None:
    commit(repository, {".gitignore": "secret\n"})
    worker = add_worker(fleet, repository)
    (Path(worker.path) / name).write_text("theirs", "utf-8")
    git(Path(worker.path), "add", "--force", name)
    git(Path(worker.path), "commit", "-q", "-m", "x")
    (repository / name).write_text("MINE", "utf-8")
    before = state(repository)

    with pytest.raises(MergeRefused, match=f"{name}|overwritten"):
        fleet.merge(worker.id, MergeOptions())

    assert (repository / name).read_text("utf-8") == "MINE"
    assert state(repository) == before


def test_a_branch_that_is_checked_out_nowhere_moves_alone(fleet: Fleet, repository: Path) -> None:
    git(repository, "branch", "release")
    worker = add_worker(fleet, repository, {"a": "1"})
    git(repository, "checkout", "-q", "--detach")

    merged = fleet.merge(worker.id, MergeOptions(into="release"))
    again = fleet.merge(worker.id, MergeOptions())  # the checkout has left main, too

    assert merged.notes == ("release is checked out nowhere: only the branch has moved.",)
    assert git(repository, "show", "release:a") == git(repository, "show", "main:a") == "1"
    assert not (repository / "a").exists()
    assert again.merge.into == "main"


def test_a_branch_that_is_being_rebased_is_left_alone(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    git(repository, "branch", "topic")
    commit(repository, {"README": "main\n"})
    git(repository, "checkout", "-q", "topic")
    commit(repository, {"README": "topic\n"})
    with pytest.raises(Exception, match="rebase"):
        git(repository, "rebase", "main")

    with pytest.raises(MergeRefused, match="topic is being rebased"):
        fleet.merge(worker.id, MergeOptions(into="topic"))


@pytest.mark.parametrize(
    ("status", "said"),
    [(Status.RUNNING, "it is running and may go on"), (Status.ASKING, "it is asking")],
)
def test_an_unfinished_worker_is_not_merged(
    fleet: Fleet, repository: Path, status: Status, said: str
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"}, status=status)

    with pytest.raises(MergeRefused, match=said):
        fleet.merge(worker.id, MergeOptions())


def test_what_can_not_be_merged_is_said(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    busy = add_worker(fleet, repository, {"b": "1"}, status=Status.RUNNING)

    with pytest.raises(InvalidInput, match=r"strategy is 'magic'. Choose one of: merge, squash"):
        fleet.merge(worker.id, MergeOptions("magic"))
    with pytest.raises(MergeRefused, match=r"no local branch 'nope' .*Name one with into"):
        fleet.merge(worker.id, MergeOptions(into="nope"))
    with pytest.raises(MergeRefused, match=f"worker {busy.id} is running"):
        fleet.merge(worker.id, MergeOptions(into=busy.branch))
    with pytest.raises(MergeRefused, match="is its own branch"):
        fleet.merge(worker.id, MergeOptions(into=worker.branch))
    with pytest.raises(WorkerNotFound):
        fleet.merge("12345678", MergeOptions())
    git(Path(worker.path), "checkout", "-q", "--detach")
    commit(worker.path, {"c": "1"})
    with pytest.raises(MergeRefused, match=r"which its branch \S+ does not have"):
        fleet.merge(worker.id, MergeOptions())
    git(repository, "worktree", "remove", worker.path)
    git(repository, "branch", "-D", worker.branch)
    with pytest.raises(MergeRefused, match=r"is gone\. restore may"):
        fleet.merge(worker.id, MergeOptions())


def test_what_is_not_committed_is_not_merged_and_said(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    (Path(worker.path) / "left").touch()

    merged = fleet.merge(worker.id, MergeOptions())

    assert merged.notes == (f"Not committed, so not merged: 'left' in {worker.path}.",)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_second_merge_has_nothing_to_do(fleet: Fleet, repository: Path, strategy: str) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    fleet.merge(worker.id, MergeOptions(strategy))
    before = state(repository)

    assert fleet.merge(worker.id, MergeOptions(strategy)).notes == ("main had all of it before.",)
    assert state(repository) == before


@pytest.mark.promise("merge-checks")
@pytest.mark.parametrize("command", ["echo BROKEN; exit 3", "sleep 60"])
def test_a_check_that_fails_takes_the_merge_back(
    fleet: Fleet, repository: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("worker_manager.crew.integration.merge.CHECK_SECONDS", 1)
    worker = add_worker(fleet, repository, {"a": "1"})
    commit(repository, {"mine": "x"})
    (repository / "README").write_text("not committed", "utf-8")
    before = state(repository)

    with pytest.raises(MergeRefused, match="The merge was taken back") as caught:
        fleet.merge(worker.id, MergeOptions(checks=["test -e a && test -e mine", command]))

    assert caught.value.shown == ("BROKEN" if "BROKEN" in command else "")
    assert ("not done after 1 s" in str(caught.value)) is ("sleep" in command)
    assert state(repository) == before
    assert not (repository / "a").exists()
    assert fleet.worker(worker.id).merge is None


@pytest.mark.promise("merge-checks")
def test_a_merge_that_can_not_be_taken_back_is_said(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"README": "theirs\n"})

    with pytest.raises(MergeRefused, match=r"IT IS STILL IN main.*git reset --keep [0-9a-f]{40}"):
        fleet.merge(worker.id, MergeOptions(checks=["echo by the check > README; exit 1"]))

    record = fleet.worker(worker.id).merge
    assert record is not None
    assert record.done


def test_checks_that_succeed_leave_the_merge(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})

    fleet.merge(worker.id, MergeOptions("squash", checks=["test -e a", "true"]))

    assert (repository / "a").exists()


@pytest.mark.promise("merge-hooks")
@pytest.mark.parametrize(
    ("strategy", "hook"), [("merge", "pre-merge-commit"), ("squash", "pre-commit")]
)
def test_a_hook_that_refuses_is_obeyed(
    fleet: Fleet, repository: Path, strategy: str, hook: str
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    write_hook(repository, hook, "test -e a && echo HOOK SAYS NO; exit 1")
    before = state(repository)

    with pytest.raises(MergeRefused, match=f"{hook} hook says no") as caught:
        fleet.merge(worker.id, MergeOptions(strategy))

    assert caught.value.shown == "HOOK SAYS NO"
    assert state(repository) == before
    assert len(git(repository, "worktree", "list").splitlines()) == 2


@pytest.mark.promise("merge-hooks")
def test_hooks_may_change_the_message_and_the_files(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    write_hook(repository, "commit-msg", 'echo "Change-Id: I1" >> "$1"')
    write_hook(repository, "pre-merge-commit", "echo formatted > a; git add a")
    write_hook(repository, "post-merge", f"touch {repository}/post-merge-ran")

    fleet.merge(worker.id, MergeOptions())

    assert "Change-Id: I1" in git(repository, "log", "-1", "--format=%B")
    assert (repository / "a").read_text("utf-8") == "formatted\n"
    assert (repository / "post-merge-ran").exists()


@pytest.mark.promise("merge-hooks")
def test_hooks_that_lie_in_the_checkout_beside_the_project_count(
    fleet: Fleet, repository: Path
) -> None:
    commit(repository, {".gitignore": ".hooks\n"})
    worker = add_worker(fleet, repository, {"a": "1"})
    (repository / ".hooks").mkdir()
    write_hook(repository, "commit-msg", "exit 1")
    (repository / ".git" / "hooks" / "commit-msg").rename(repository / ".hooks" / "commit-msg")
    git(repository, "config", "core.hooksPath", ".hooks")

    with pytest.raises(MergeRefused, match="commit-msg hook says no"):
        fleet.merge(worker.id, MergeOptions())


@pytest.mark.parametrize("is_checked_out", [True, False])
def test_a_target_that_moved_meanwhile_is_left_alone(
    fleet: Fleet, repository: Path, is_checked_out: bool
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    if not is_checked_out:
        git(repository, "checkout", "-q", "--detach")
    found = ref_update.target(str(repository), "main")
    sha = git(repository, "rev-parse", worker.branch)
    moved = commit(repository, {"mine": "x"})
    git(repository, "update-ref", "refs/heads/main", moved)

    with pytest.raises(WorktreeRefused, match=r"git update-ref failed"):
        ref_update.move(str(repository), found, sha, "test")

    assert git(repository, "rev-parse", "main") == moved
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.promise("merge-hooks")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_commits_are_signed_where_the_person_signs(
    fleet: Fleet, repository: Path, tmp_path: Path, strategy: str
) -> None:
    signer = tmp_path / "signer"
    signer.write_text("#!/bin/sh\ncat >/dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\necho SIGNED\n")
    signer.chmod(0o755)
    worker = add_worker(fleet, repository, {"a": "1"})
    commit(repository, {"mine": "x"})
    git(repository, "config", "commit.gpgsign", "true")
    git(repository, "config", "gpg.program", str(signer))

    fleet.merge(worker.id, MergeOptions(strategy))

    assert "gpgsig SIGNED" in git(repository, "cat-file", "commit", "main")


@pytest.mark.promise("merge-hooks")
def test_a_signature_that_hangs_or_fails_changes_nothing(
    fleet: Fleet, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_manager.worktrees.commits.SIGN_SECONDS", 1)
    signer = tmp_path / "signer"
    signer.write_text("#!/bin/sh\nexec sleep 60\n")
    signer.chmod(0o755)
    worker = add_worker(fleet, repository, {"a": "1"})
    git(repository, "config", "commit.gpgsign", "true")
    git(repository, "config", "gpg.program", str(signer))
    before = state(repository)

    with pytest.raises(MergeRefused, match=r"commit-tree did not end within 1 s"):
        fleet.merge(worker.id, MergeOptions())

    assert state(repository) == before


def test_no_editor_and_no_question_is_ever_opened(
    fleet: Fleet, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_EDITOR", "sh -c 'sleep 99'")
    git(repository, "config", "merge.ff", "false")
    git(repository, "config", "branch.main.mergeOptions", "--edit --no-commit --squash")
    git(repository, "config", "merge.autoStash", "true")
    for strategy in STRATEGIES:
        worker = add_worker(fleet, repository, {strategy: "1"})
        fleet.merge(worker.id, MergeOptions(strategy))
        assert git(repository, "show", f"main:{strategy}") == "1"
        assert git(repository, "status", "--porcelain") == ""
