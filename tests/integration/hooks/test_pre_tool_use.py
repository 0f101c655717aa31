"""A worker leaves the main checkout alone: real hook processes, and a scripted worker in tmux."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHECKOUT, git, make_fleet
from tests.support.scripted.hooks import hook_command
from tests.support.scripted.workers import HANG
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Worker
from worker_manager.state.workers import guards


@pytest.fixture
def worker(fleet: Fleet) -> Worker:
    return fleet.start(StartRequest("t", HANG)).worker


def ask(worker: Worker, tool: str, cwd: str = "", **given: Any) -> str:
    """Why the guard refuses a tool; empty when it doesn't."""
    own = {
        "WORKER_MANAGER_PYTHON": sys.executable,
        "WORKER_MANAGER_WORKER_ID": worker.id,
        "CLAUDE_CODE_SESSION_ID": worker.session_id,
    }
    done = subprocess.run(
        hook_command("PreToolUse"),
        env={**os.environ, **own},
        input=json.dumps({"tool_name": tool, "tool_input": given, "cwd": cwd or worker.path}),
        capture_output=True,
        text=True,
        check=True,
    )
    if not done.stdout:
        return ""
    answer = json.loads(done.stdout)["hookSpecificOutput"]
    assert answer["permissionDecision"] == "deny"
    return str(answer["permissionDecisionReason"])


@pytest.mark.promise("guard-checkout")
@pytest.mark.parametrize("tool", ["Write", "Edit", "MultiEdit"])
def test_a_file_of_the_main_checkout_is_refused_and_the_own_one_named(
    repository: Path, worker: Worker, tool: str
) -> None:
    said = ask(worker, tool, file_path=str(repository / "src" / "new.py"))

    assert str(repository / "src" / "new.py") in said
    assert f"change {worker.path}/src/new.py instead" in said
    assert "call `ask`" in said


@pytest.mark.promise("guard-checkout")
def test_ways_around_lead_to_the_same_place(
    repository: Path, worker: Worker, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(repository)
    Path(worker.path, "inside").symlink_to("../../README")

    assert ask(worker, "Write", file_path="../../README")
    assert ask(worker, "Write", file_path=str(tmp_path / "link" / "README"))
    assert ask(worker, "Write", file_path=f"{worker.path}/inside")
    assert ask(worker, "NotebookEdit", notebook_path=str(repository / "a.ipynb"))
    assert ask(worker, "Write", file_path=str(repository / ".git" / "hooks" / "pre-commit"))
    assert ask(worker, "Write", file_path=str(repository / ".worktrees" / "another" / "a"))
    assert ask(worker, "Bash", command="echo x > ../../README")
    assert ask(worker, "Bash", command="make", cwd=str(repository))


@pytest.mark.promise("guard-checkout")
def test_its_own_worktree_and_the_rest_of_the_machine_are_its_own_affair(
    repository: Path, worker: Worker, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(worker.path)

    Path(worker.path, "borrowed").symlink_to(repository)

    assert not ask(worker, "Bash", command="rm -f borrowed")
    assert ask(worker, "Bash", command="rm -rf borrowed/README")
    assert ask(worker, "Bash", command="touch borrowed/new")
    assert not ask(worker, "Write", file_path=f"{worker.path}/deep/new.py")
    assert not ask(worker, "Write", file_path="new.py")
    assert not ask(worker, "Write", file_path=str(tmp_path / "link" / "new.py"))
    assert not ask(worker, "Write", file_path=str(repository.parent / "elsewhere"))
    assert not ask(worker, "Bash", command=f"cat {repository}/README > copy && git add -A")


def test_only_tools_that_write_are_looked_at() -> None:
    declared = json.loads((CHECKOUT / "hooks" / "hooks.json").read_text("utf-8"))["hooks"]
    (group,) = declared["PreToolUse"]
    looked_at = set(group["matcher"].split("|"))

    assert looked_at == {"Write", "Edit", "MultiEdit", "NotebookEdit", "Bash"}


def test_who_works_in_the_project_itself_is_not_guarded(repository: Path, fleet: Fleet) -> None:
    worker = fleet.start(StartRequest("t", HANG, use_worktree=False)).worker

    assert not ask(worker, "Write", file_path=str(repository / "README"))


@pytest.mark.parametrize("mode", ["tell", "off"])
def test_a_guard_may_only_tell_or_not_be_there(
    repository: Path, tmux_socket: str, mode: str
) -> None:
    fleet = make_fleet(repository, tmux_socket, guard=mode)
    worker = fleet.start(StartRequest("t", HANG)).worker

    assert not ask(worker, "Write", file_path=str(repository / "README"))
    strays = guards.strays(fleet.records.home(worker.id))
    assert strays == ([str(repository / "README")] if mode == "tell" else [])


def test_a_guard_that_fails_hurts_no_session(fleet: Fleet, worker: Worker) -> None:
    Path(fleet.records.home(worker.id), guards.FILE).write_text("{", "utf-8")

    assert not ask(worker, "Write", file_path="/x")


@pytest.mark.promise("guard-checkout")
@pytest.mark.parametrize("guard", ["refuse", "tell"])
def test_the_orchestrator_reads_what_was_tried_and_what_was_done(
    repository: Path, tmux_socket: str, guard: str
) -> None:
    fleet = make_fleet(repository, tmux_socket, guard=guard)
    steps = [
        {"write": {"path": str(repository / "README"), "text": "changed"}},
        {"run": f"python3 -c \"open('{repository}/hidden', 'w')\""},
        {"complete": "done"},
    ]
    fleet.start(StartRequest("t", f"```steps\n{json.dumps(steps)}\n```"))

    body = wait_for_mail(fleet)

    changed = "hidden" if guard == "refuse" else "README, hidden"
    assert f"itself since t-{fleet.workers()[0].id} started, by it or by others: {changed}." in body
    how = "was refused to change" if guard == "refuse" else "CHANGED"
    assert f"Outside of its worktree it {how}: {repository}/README." in body
    was = "hello\n" if guard == "refuse" else "changed"
    assert (repository / "README").read_text("utf-8") == was


@pytest.mark.promise("guard-checkout")
def test_what_was_dirty_before_is_named_only_when_it_changes_again(
    repository: Path, tmux_socket: str
) -> None:
    (repository / "README").write_text("dirty", "utf-8")
    (repository / "new").write_text("dirty", "utf-8")
    fleet = make_fleet(repository, tmux_socket)
    steps = [{"run": f"python3 -c \"open('{repository}/new', 'w')\""}, {"complete": "done"}]
    fleet.start(StartRequest("t", f"```steps\n{json.dumps(steps)}\n```"))

    assert "by it or by others: new." in wait_for_mail(fleet)
    assert git(repository, "status", "--porcelain").split() == ["M", "README", "??", "new"]


def wait_for_mail(fleet: Fleet) -> str:
    claim = wait_until(lambda: fleet.claim_mail(most=5))
    claim.acknowledge()
    return claim.messages[0].body


@pytest.mark.promise("worktree-looked-at")
def test_git_in_a_worktree_that_is_none_any_more_is_refused_and_the_way_back_works(
    repository: Path, worker: Worker
) -> None:
    tree = Path(worker.path)
    assert ask(worker, "Bash", command="git add -A && git commit -m x") == ""
    (tree / ".git").unlink()

    said = ask(worker, "Bash", command="git add -A && git commit -m x")

    assert "is not your worktree any more" in said
    assert ask(worker, "Bash", command="ls -la && npm test") == ""
    repair = said.partition("run: ")[2].partition(". Your")[0]
    assert ask(worker, "Bash", cwd=str(repository), command=repair) == ""
    subprocess.run(repair, shell=True, cwd=tree, check=True, capture_output=True)
    assert ask(worker, "Bash", command="git status") == ""
    assert git(tree, "branch", "--show-current") == worker.branch
    (tree / ".git").unlink()
    git(tree, "init", "-q")
    assert "is not your worktree any more" in ask(worker, "Bash", command="git commit -m x")


@pytest.fixture
def reader(repository: Path, tmux_socket: str) -> Worker:
    """One that only reads, where nobody else is guarded."""
    tables = {"reader": {"read_only": True}}
    fleet = make_fleet(repository, tmux_socket, agents=tables, guard="off")
    return fleet.start(StartRequest("t", HANG, agent="reader")).worker


@pytest.mark.promise("guard-read-only")
def test_who_only_reads_is_refused_what_writes_in_its_own_worktree(
    reader: Worker, repository: Path
) -> None:
    said = ask(reader, "Write", file_path=f"{reader.path}/a")
    assert f"it would change {reader.path}/a, and you only read" in said
    assert ask(reader, "Edit", file_path=str(repository / "README"))
    assert ask(reader, "NotebookEdit", notebook_path="a.ipynb")
    assert ask(reader, "Write", file_path="/usr/a")
    for command in (
        "echo x > a",
        "make",
        "pytest -q",
        "git commit -m x",
        "git branch -D main",
        "git branch new",
        "git tag v1",
        "git tag -d v1",
        "git fetch",
        "git stash",
        "git stash drop",
        "git remote add a b",
        "git format-patch -1",
        "git worktree prune",
        "git reflog expire --all",
        "git symbolic-ref HEAD refs/heads/x",
        f"cd / && git -C {reader.path} branch x",
        "sed -i s/a/b/ README",
        "echo x > /usr/a",
        "bash -c 'rm README'",
        "echo `rm README`",
        'echo "all: $(rm README) gone"',
        'echo "$(echo "$(rm README)")"',
    ):
        assert ask(reader, "Bash", command=command), command
    assert ask(reader, "Bash", command="cd /tmp && sort -o /usr/a b")


@pytest.mark.promise("guard-read-only")
def test_who_only_reads_may_look_and_throw_away(reader: Worker) -> None:
    for command in (
        "cat README 2>/dev/null | grep hello",
        "git log -3 --oneline",
        "git diff main...HEAD -- README",
        "git status --porcelain",
        "git branch -v",
        "git branch --show-current",
        "git tag",
        "git remote -v",
        "git remote show origin",
        "git stash list",
        "git worktree list",
        "git --no-pager show HEAD",
        "git",
        "grep -rn hello . > /tmp/found",
        "ls; cd /; pwd",
    ):
        assert ask(reader, "Bash", command=command) == "", command
    assert ask(reader, "Write", file_path="/tmp/notes") == ""


@pytest.mark.promise("guard-read-only")
def test_who_only_reads_in_the_checkout_itself_is_guarded_there(
    repository: Path, tmux_socket: str
) -> None:
    tables = {"reader": {"read_only": True}}
    fleet = make_fleet(repository, tmux_socket, agents=tables)
    request = StartRequest("t", HANG, agent="reader", use_worktree=False)
    worker = fleet.start(request).worker

    assert ask(worker, "Write", file_path="README")
    assert ask(worker, "Bash", command="git commit --amend")
    assert ask(worker, "Bash", command="git status && git stash list") == ""
