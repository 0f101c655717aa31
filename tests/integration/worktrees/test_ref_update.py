"""A merge moves one branch and its checkout, or neither: whatever hooks, locks and people do."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import git
from tests.support.scripted.bench import add_worker, commit, state, write_hook
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.domain.message import Message
from worker_manager.domain.worker import Worker
from worker_manager.domain.worker_json import from_json, to_json
from worker_manager.errors import MergeRefused
from worker_manager.worktrees import ref_update

SAFE = pytest.mark.promise("merge-branch", "merge-files")


def letters(fleet: Fleet) -> list[Message]:
    """What waits for the orchestrator."""
    claim = fleet.mailbox.claim()
    if claim is None:
        return []
    claim.acknowledge()
    return list(claim.messages)


@pytest.mark.promise("merge-hooks")
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exec sleep 60", "The post-merge hook did not end within 1 s, and was ended."),
        ("echo npm ERR; exit 7", "The post-merge hook failed (exit code 7): npm ERR"),
        ("exit 1", "The post-merge hook failed (exit code 1): it said nothing"),
    ],
)
def test_a_post_merge_hook_that_hangs_or_fails_changes_nothing_of_the_merge(
    fleet: Fleet, repository: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    monkeypatch.setattr("worker_manager.worktrees.commits.HOOK_SECONDS", 1)
    monkeypatch.setattr("worker_manager.worktrees.git.TIMEOUT_SECONDS", 3)
    worker = add_worker(fleet, repository, {"a": "1"})
    write_hook(repository, "post-merge", script)
    ran = repository.parent / "ran"

    merged = fleet.merge(worker.id, MergeOptions(checks=[f"touch {ran}"]))

    assert merged.notes == (said,)
    assert merged.merge.done
    assert ran.exists()
    other = add_worker(fleet, repository, {"b": "1"})
    with pytest.raises(MergeRefused, match="was taken back"):
        fleet.merge(other.id, MergeOptions(checks=["exit 1"]))
    assert not (repository / "b").exists()


def test_the_post_merge_hook_runs_as_that_of_git(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    log = repository.parent / "log"
    script = 'echo "$1 $PWD $(git rev-parse ORIG_HEAD HEAD | tr "\\n" " ")$GIT_REFLOG_ACTION"'
    write_hook(repository, "post-merge", f"{script} > {log}")
    before = git(repository, "rev-parse", "HEAD")

    fleet.merge(worker.id, MergeOptions())

    after = git(repository, "rev-parse", "HEAD")
    assert log.read_text() == f"0 {repository} {before} {after} merge {worker.branch}\n"
    newest = [git(repository, "reflog", "-1", "--format=%H %gs", one) for one in ("HEAD", "main")]
    assert newest == [f"{after} merge {worker.branch}"] * 2


@SAFE
@pytest.mark.promise("merge-checks")
@pytest.mark.parametrize("strategy", ["merge", "squash", "rebase"])
def test_a_person_who_changes_branches_while_checks_run_keeps_the_new_one(
    fleet: Fleet, repository: Path, strategy: str
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    before = git(repository, "rev-parse", "main")

    with pytest.raises(MergeRefused, match=r"taken back from main.* has changed branches since"):
        fleet.merge(worker.id, MergeOptions(strategy, checks=["git switch -q -c feature; exit 1"]))

    assert git(repository, "rev-parse", "main") == before
    assert git(repository, "symbolic-ref", "HEAD") == "refs/heads/feature"
    assert git(repository, "show", "feature:a") == "1"
    assert git(repository, "status", "--porcelain") == ""
    assert fleet.worker(worker.id).merge is None


def test_a_branch_that_was_taken_elsewhere_is_taken_back_there(
    fleet: Fleet, repository: Path
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    other = repository.parent / "other"
    moves = f"git switch -q -c feature; git worktree add -q {other} main; exit 1"

    with pytest.raises(MergeRefused, match="taken back from main"):
        fleet.merge(worker.id, MergeOptions(checks=[moves]))

    assert not (other / "a").exists()
    assert git(other, "status", "--porcelain") == ""
    assert (repository / "a").exists()


def test_a_branch_that_went_on_is_not_taken_back(fleet: Fleet, repository: Path) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})

    with pytest.raises(MergeRefused, match=r"IT IS STILL IN main.*main has gone on since"):
        fleet.merge(worker.id, MergeOptions(checks=["git commit -q --allow-empty -m mine; exit 1"]))

    record = fleet.worker(worker.id)
    assert record.merge is not None
    assert record.merge.done
    assert record.is_merge_open
    assert (
        fleet.merge(worker.id, MergeOptions())
        .notes[1]
        .startswith("Not run, but it counts as merged:")
    )
    assert not fleet.worker(worker.id).is_merge_open


@SAFE
def test_a_branch_that_the_person_leaves_in_that_moment_is_the_one_that_does_not_move(
    fleet: Fleet, repository: Path
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    tip = git(repository, "rev-parse", worker.branch)
    at = ref_update.target(str(repository), "main")
    git(repository, "switch", "-q", "-c", "feature")

    with pytest.raises(Exception, match="has just changed branches"):
        ref_update.move(str(repository), at, tip, "test")

    assert git(repository, "rev-parse", "main") == git(repository, "rev-parse", "feature") == at.sha
    assert not (repository / "a").exists()


@SAFE
def test_while_files_are_written_nobody_can_leave_the_branch(
    fleet: Fleet, repository: Path
) -> None:
    worker = add_worker(fleet, repository, {"a.slow": "1"})
    smudge = "git switch -c feature >&2; cat"  # a person, just while the files are written
    git(repository, "config", "filter.slow.smudge", smudge)
    (repository / ".git" / "info" / "attributes").write_text("*.slow filter=slow\n")

    fleet.merge(worker.id, MergeOptions())

    assert git(repository, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(repository, "show", "main:a.slow") == (repository / "a.slow").read_text() == "1"
    assert git(repository, "status", "--porcelain") == ""
    # What git leaves of such a switch by itself: a branch, where main was.
    assert git(repository, "rev-parse", "feature") == git(repository, "rev-parse", "main^1")


@SAFE
@pytest.mark.parametrize("what", ["lock", "HEAD.lock", "index.lock", "hook"])
def test_a_branch_that_may_not_move_leaves_its_checkout_alone(
    fleet: Fleet, repository: Path, what: str
) -> None:
    worker = add_worker(fleet, repository, {"a": "1", "README": "worker\n"})
    before = state(repository)
    locks = {"lock": "refs/heads/main.lock", "HEAD.lock": "HEAD.lock", "index.lock": "index.lock"}
    if what == "hook":
        says_no = '[ "$1" != prepared ] || ! grep -q refs/heads/main || { echo NOT TODAY; exit 1; }'
        write_hook(repository, "reference-transaction", says_no)
    else:
        (repository / ".git" / locks[what]).touch()

    with pytest.raises(MergeRefused) as caught:
        fleet.merge(worker.id, MergeOptions())

    assert state(repository) == before
    assert fleet.worker(worker.id).merge is None
    said = f"{caught.value}{caught.value.shown}"
    assert ("NOT TODAY" if what == "hook" else locks[what]) in said
    for one in locks.values():
        (repository / ".git" / one).unlink(missing_ok=True)
    (repository / ".git" / "hooks" / "reference-transaction").unlink(missing_ok=True)
    fleet.merge(worker.id, MergeOptions())
    assert git(repository, "status", "--porcelain") == ""


def test_a_hook_that_fails_or_hangs_once_the_branch_has_moved_changes_nothing(
    fleet: Fleet, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker_manager.worktrees.refs.SECONDS", 2)
    for script in ("exit 1", "exec sleep 60"):
        worker = add_worker(fleet, repository, {script: "1"})
        write_hook(repository, "reference-transaction", f'[ "$1" != committed ] || {script}')

        merged = fleet.merge(worker.id, MergeOptions(checks=["true"]))

        assert merged.merge.sha == git(repository, "rev-parse", "main")
        assert (repository / script).exists()
        (repository / ".git" / "hooks" / "reference-transaction").unlink()


@SAFE
@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
def test_a_file_that_git_was_told_not_to_look_at_is_named_with_the_flag(
    fleet: Fleet, repository: Path, flag: str
) -> None:
    worker = add_worker(fleet, repository, {"README": "worker\n", "a": "1"})
    git(repository, "update-index", f"--{flag}", "README")
    (repository / "README").write_text("LOCAL")
    before = state(repository)

    with pytest.raises(MergeRefused) as caught:
        fleet.merge(worker.id, MergeOptions())

    assert f"'README' in {repository} has changes of their own" in str(caught.value)
    assert f"git status hides 'README': git update-index --no-{flag} 'README'" in str(caught.value)
    assert (repository / "README").read_text() == "LOCAL"
    assert state(repository) == before
    (repository / "README").write_text("hello\n")
    git(repository, "update-index", f"--no-{flag}", "README")
    fleet.merge(worker.id, MergeOptions())


#: What the worker adds; what lies there of the person's own, and git ignores.
IGNORED = {
    "the file": ("x", "x"),
    "a directory in the place of the file": ("x", "x/mine"),
    "a file in the place of the directory": ("x/deep/new", "x"),
    "a file in the place of the directory below": ("x/deep/new", "x/deep"),
}


@SAFE
@pytest.mark.parametrize("case", IGNORED)
@pytest.mark.parametrize("is_ignored", [True, False])
def test_what_git_does_not_know_is_never_overwritten(
    fleet: Fleet, repository: Path, case: str, is_ignored: bool
) -> None:
    theirs, mine = IGNORED[case]
    worker = add_worker(fleet, repository, {theirs: "THEIRS"})
    if is_ignored:
        (repository / ".git" / "info" / "exclude").write_text("x\n/.worktrees/\n")
    (repository / mine).parent.mkdir(exist_ok=True)
    (repository / mine).write_text("MINE")
    before = state(repository)

    with pytest.raises(MergeRefused, match=f"'{mine}' in .* has changes of their own"):
        fleet.merge(worker.id, MergeOptions())

    assert (repository / mine).read_text() == "MINE"
    assert state(repository) == before


@SAFE
def test_links_directories_and_letters_may_change_into_each_other(
    fleet: Fleet, repository: Path
) -> None:
    commit(repository, {"dir/a": "1", "file": "1", "Case": "1", "tool": "1"})
    worker = add_worker(fleet, repository)
    tree = Path(worker.path)
    git(tree, "rm", "-q", "-r", "dir", "file")
    (tree / "dir").symlink_to("tool")
    git(tree, "mv", "Case", "case")
    (tree / "tool").chmod(0o755)
    commit(tree, {"file/inside": "1"})
    os.utime(repository / "tool", (1, 1))  # only touched

    fleet.merge(worker.id, MergeOptions())

    assert git(repository, "status", "--porcelain") == ""
    assert (repository / "dir").is_symlink()
    assert (repository / "file" / "inside").exists()
    assert (repository / "case").exists()
    assert os.access(repository / "tool", os.X_OK)


@SAFE
@pytest.mark.parametrize("what", ["merge", "cherry-pick", "revert"])
def test_a_checkout_in_which_git_is_at_work_is_left_alone(
    fleet: Fleet, repository: Path, what: str
) -> None:
    git(repository, "switch", "-q", "-c", "topic")
    commit(repository, {"topic": "1"})
    git(repository, "switch", "-q", "main")
    commit(repository, {"mine": "1"})
    worker = add_worker(fleet, repository, {"a": "1"})
    more = {"merge": ["--no-ff", "topic"], "cherry-pick": ["topic"], "revert": ["main"]}
    git(repository, what, "--no-commit", *more[what])
    if what == "cherry-pick":  # without a conflict git forgets that it was one
        git(repository, "update-ref", "CHERRY_PICK_HEAD", "topic")
    before = state(repository)

    with pytest.raises(MergeRefused, match=f"a {what} is under way in {repository}"):
        fleet.merge(worker.id, MergeOptions())

    assert state(repository) == before


def test_a_sparse_checkout_stays_sparse(fleet: Fleet, repository: Path) -> None:
    commit(repository, {"in/a": "1", "out/a": "1"})
    git(repository, "sparse-checkout", "set", "--cone", "in")
    worker = add_worker(fleet, repository)
    git(Path(worker.path), "sparse-checkout", "disable")
    commit(worker.path, {"in/b": "1", "out/b": "1", "out/a": "2"})

    fleet.merge(worker.id, MergeOptions())

    assert git(repository, "status", "--porcelain") == ""
    assert (repository / "in" / "b").exists()
    assert not (repository / "out").exists()


#: Merges a worker in a process that is ended in the middle: while a check runs, or, with a filter
#: that takes its time, while files are written.
SCRIPT = """\
import sys
from tests.conftest import make_fleet
from pathlib import Path
from worker_manager.crew.integration.merge import MergeOptions
repository, socket, worker, *checks = sys.argv[1:]
make_fleet(Path(repository), socket).merge(worker, MergeOptions(checks=checks))
"""


def killed_merge(repository: Path, socket: str, worker: Worker, sign: Path, *checks: str) -> None:
    """Killed as soon as the sign is there."""
    arguments = [sys.executable, "-c", SCRIPT, str(repository), socket, worker.id, *checks]
    merging = subprocess.Popen(arguments)
    try:
        wait_until(sign.exists)
    finally:
        merging.send_signal(signal.SIGKILL)
        merging.wait()


@pytest.mark.promise("merge-killed", "merge-checks")
def test_checks_of_a_server_that_was_killed_are_outstanding_and_told(
    fleet: Fleet, repository: Path, tmux_socket: str
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    sign = repository.parent / "sign"
    before = git(repository, "rev-parse", "main")
    killed_merge(repository, tmux_socket, worker, sign, "true", f"touch {sign}; exec sleep 5")

    fleet.reconcile()
    fleet.reconcile()

    (letter,) = letters(fleet)
    assert letter.type == "merge"
    assert "Its merge into main is in" in letter.body
    assert f"touch {sign}" in letter.body
    assert f"git reset --keep {before}" in letter.body
    record = fleet.worker(worker.id)
    assert record.merge is not None
    assert record.merge.done
    assert record.is_merge_open
    assert not record.merged_at(record.merge.tip)
    # An older version keeps what it does not know.
    older = {key: value for key, value in to_json(record).items() if key != "unchecked"}
    assert from_json({**older, "unchecked": list(record.unchecked)}) == record
    assert fleet.merge(worker.id, MergeOptions(checks=["test -e a"])).merge.sha == record.merge.sha
    assert not fleet.worker(worker.id).is_merge_open


@pytest.mark.promise("merge-killed", "merge-checks")
def test_outstanding_checks_that_fail_later_take_the_merge_back(
    fleet: Fleet, repository: Path, tmux_socket: str
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    sign = repository.parent / "sign"
    before = state(repository)
    killed_merge(repository, tmux_socket, worker, sign, f"touch {sign}; exec sleep 5")

    with pytest.raises(MergeRefused, match="The merge was taken back"):
        fleet.merge(worker.id, MergeOptions(checks=["exit 1"]))

    assert state(repository) == before
    assert fleet.worker(worker.id).merge is None


def slow_filter(repository: Path, sign: Path, go: Path) -> None:
    """Files ending in `.slow` are written once `go` is there."""
    wait = f"touch {sign}; while [ ! -e {go} ]; do sleep 0.05; done; cat"
    git(repository, "config", "filter.slow.smudge", wait)
    (repository / ".git" / "info" / "attributes").write_text("*.slow filter=slow\n")


@SAFE
@pytest.mark.promise("merge-killed")
def test_killed_while_git_writes_files_the_checkout_is_put_back_by_who_looks_next(
    fleet: Fleet, repository: Path, tmux_socket: str
) -> None:
    worker = add_worker(fleet, repository, {"a": "1", "b.slow": "1", "README": "worker\n"})
    sign, go = repository.parent / "sign", repository.parent / "go"
    slow_filter(repository, sign, go)
    before = state(repository)
    killed_merge(repository, tmux_socket, worker, sign)
    fleet.reconcile()  # git is still at it: nothing is known, and nothing done
    assert fleet.worker(worker.id).merge is not None
    go.touch()
    wait_until(lambda: "b.slow" in git(repository, "ls-files"))
    assert git(repository, "status", "--porcelain") != ""
    (repository / "mine").write_text("mine")

    wait_until(lambda: fleet.reconcile() or fleet.worker(worker.id).merge is None)

    assert letters(fleet) == []
    assert git(repository, "status", "--porcelain") == "?? mine"
    (repository / "mine").unlink()
    assert state(repository) == before
    fleet.merge(worker.id, MergeOptions())
    assert (repository / "b.slow").exists()


def test_files_that_were_changed_since_a_merge_was_cut_off_are_left_and_told(
    fleet: Fleet, repository: Path, tmux_socket: str
) -> None:
    worker = add_worker(fleet, repository, {"a": "1", "b.slow": "1"})
    sign, go = repository.parent / "sign", repository.parent / "go"
    slow_filter(repository, sign, go)
    killed_merge(repository, tmux_socket, worker, sign)
    go.touch()
    wait_until(lambda: "b.slow" in git(repository, "ls-files"))
    (repository / "a").write_text("the person's")

    wait_until(lambda: fleet.reconcile() or letters_of_merges(fleet))
    fleet.reconcile()

    assert (repository / "a").read_text() == "the person's"
    with pytest.raises(MergeRefused, match="read-tree failed"):
        fleet.merge(worker.id, MergeOptions())
    git(repository, "reset", "-q", "--hard")
    fleet.merge(worker.id, MergeOptions())


def letters_of_merges(fleet: Fleet) -> bool:
    """Whether there is one, which is about the checkout."""
    found = letters(fleet)
    assert len(found) < 2
    return bool(found) and "was cut off before the branch moved" in found[0].body


@pytest.mark.promise("merge-whole")
def test_two_who_merge_at_once_come_one_after_the_other(
    fleet: Fleet, repository: Path, tmux_socket: str
) -> None:
    workers = [add_worker(fleet, repository, {f"file {n}": "1"}) for n in range(4)]
    started = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, str(repository), tmux_socket, one.id])
        for one in workers
    ]

    assert [one.wait() for one in started] == [0] * 4

    assert all((repository / f"file {n}").exists() for n in range(4))
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "rev-list", "--count", "--merges", "main") == "4"
