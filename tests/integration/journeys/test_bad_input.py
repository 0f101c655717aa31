"""What start_worker and nudge_worker are given wrongly: a clear error, and nothing left behind."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet, make_repository
from tests.support.scripted.workers import HANG
from tests.support.terminals.tmux import hanging
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.lifecycle.request import StartRequest
from worker_manager.domain.worker import Status
from worker_manager.errors import (
    AgentNotInstalled,
    InvalidInput,
    NotARepository,
    RuntimeUnavailable,
    StateUnavailable,
    WorkerFinished,
    WorkerManagerError,
    WorkerNotFound,
)
from worker_manager.runtimes.tmux.runtime import Tmux


def leftovers(repository: Path, fleet: Fleet, socket: str) -> dict[str, object]:
    """All that a start makes."""
    sessions = subprocess.run(["tmux", "-L", socket, "ls"], capture_output=True, text=True)
    worktrees = repository / ".worktrees"
    return {
        "worktrees": sorted(os.listdir(worktrees)) if worktrees.exists() else [],
        "branches": git(repository, "branch", "--list", "worker/*"),
        "records": fleet.records.all(),
        "tmux": sessions.stdout,
        "status": git(repository, "status", "--porcelain"),
    }


NOTHING = {"worktrees": [], "branches": "", "records": [], "tmux": "", "status": ""}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (StartRequest("", "x"), "title '' is empty"),
        (StartRequest(" \n", "x"), "is empty. Name the work"),
        (StartRequest("x" * 300, "x"), "has 300 characters, at most 200"),
        (StartRequest("a\0b", "x"), "NUL"),
        (StartRequest("t", "  \n"), "task is empty"),
        (StartRequest("t", "a\0b"), "NUL byte at character 1"),
        (StartRequest("t", "x", base_branch="no-such"), "no branch, tag or commit 'no-such'"),
        (StartRequest("t", "x", base_branch="--help"), "'--help' is no branch name"),
        (StartRequest("t", "x", base_branch=""), "'' is no branch name"),
        (
            StartRequest("t", "x", agent="cobol"),
            "no agent 'cobol'. Choose one of: claude, ",
        ),
        (
            StartRequest("t", "x", agent="claude", permission_mode="yolo"),
            "no permission mode 'yolo'",
        ),
        (StartRequest("t", "x", use_worktree=False, base_branch="main"), "use_worktree=true only"),
    ],
)
def test_a_wrong_value_is_named_and_leaves_nothing(
    repository: Path,
    fleet: Fleet,
    tmux_socket: str,
    monkeypatch: pytest.MonkeyPatch,
    wanted: StartRequest,
    said: str,
) -> None:
    program = repository.parent / "bin" / "claude"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    with pytest.raises(InvalidInput) as caught:
        fleet.start(wanted)

    assert said in str(caught.value)
    assert leftovers(repository, fleet, tmux_socket) == NOTHING


@pytest.mark.parametrize(
    ("title", "task"),
    [
        ("🎉", HANG),
        ("../../x", HANG),
        ('it\'s "so"; $(touch pwned) `id`\nand more', HANG),
        ("t", "-v " + HANG),
        ("t", "/nosuch " + HANG),
        ("t", "!touch pwned " + HANG),
        ("t", "# $(touch pwned) `touch pwned` '\";touch pwned\\ " + HANG),
        ("t", HANG + "x" * 1_000_000),
    ],
)
def test_odd_titles_and_tasks_start_a_worker_all_the_same(
    repository: Path, fleet: Fleet, title: str, task: str
) -> None:
    worker = fleet.start(StartRequest(title, task)).worker

    assert Path(worker.path).parent == repository / ".worktrees"
    assert task in Path(fleet.records.home(worker.id), "task.md").read_text("utf-8")
    fleet.stop(worker.id)
    assert not list(repository.parent.rglob("pwned"))


def test_a_tag_or_a_sha_is_a_base_too(repository: Path, fleet: Fleet) -> None:
    git(repository, "tag", "v1")
    sha = git(repository, "rev-parse", "HEAD")
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")

    places = [fleet.start(StartRequest("t", HANG, base_branch=base)).place for base in ("v1", sha)]

    assert [place.base.sha for place in places if place] == [sha, sha]


def test_the_base_tells_how_far_it_is_behind_its_upstream(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    git(repository, "clone", "-q", ".", str(tmp_path / "clone"))
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path / "clone", "fetch", "-q")
    (tmp_path / "clone" / "dirty").write_text("x", "utf-8")
    clone = make_fleet(tmp_path / "clone", tmux_socket)

    started = clone.start(StartRequest("t", HANG))

    assert started.place is not None
    assert (started.place.base.name, started.place.base.behind, started.place.base.upstream) == (
        "main",
        1,
        "origin/main",
    )
    assert started.place.uncommitted == 1


@pytest.mark.parametrize("kind", ["detached", "spaces", "linked", "submodule", "subdirectory"])
def test_unusual_projects_work(tmp_path: Path, tmux_socket: str, kind: str) -> None:
    project = unusual_project(tmp_path, kind)
    fleet = make_fleet(project, tmux_socket)

    worker = fleet.start(StartRequest("t", HANG)).worker

    assert Path(worker.path, "README").exists()
    assert not list(tmp_path.rglob("pwned"))
    assert git(Path(worker.path), "branch", "--show-current") == worker.branch
    assert git(project, "status", "--porcelain") == ""


def unusual_project(tmp_path: Path, kind: str) -> Path:
    name = "a 'b\" ünï $x #(touch pwned)" if kind == "spaces" else "repo2"
    repository = make_repository(tmp_path / name)
    if kind == "detached":
        git(repository, "checkout", "-q", "--detach")
    if kind == "linked":
        git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
        return tmp_path / "linked"
    if kind == "submodule":
        outer = make_repository(tmp_path / "outer")
        allow = ("-c", "protocol.file.allow=always")
        git(outer, *allow, "submodule", "add", "-q", str(repository), "sub")
        return outer / "sub"
    if kind == "subdirectory":
        (repository / "src").mkdir()
        return repository / "src"
    return repository


def test_a_linked_worktree_shares_the_state_of_its_repository(
    tmp_path: Path, tmux_socket: str
) -> None:
    linked = unusual_project(tmp_path, "linked")

    assert make_fleet(linked, tmux_socket).records.repository == (
        make_fleet(tmp_path / "repo2", tmux_socket).records.repository
    )


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("plain", "is not a git repository"),
        ("bare", "is a bare repository"),
        ("empty", "has no commits yet"),
    ],
)
def test_where_git_has_no_worktree_to_give_the_way_out_is_named(
    tmp_path: Path, tmux_socket: str, kind: str, said: str
) -> None:
    project = tmp_path / kind
    project.mkdir()
    if kind != "plain":
        git(project, "init", "-q", *(["--bare"] if kind == "bare" else []))
    fleet = make_fleet(project, tmux_socket)

    with pytest.raises(NotARepository, match="use_worktree=false") as caught:
        fleet.start(StartRequest("t", "x"))

    assert said in str(caught.value)
    assert fleet.records.all() == []
    assert fleet.start(StartRequest("t", HANG, use_worktree=False)).worker.path == str(project)


@pytest.mark.parametrize("worker_id", ["12345678", "", "../../x", "no;such"])
def test_an_unknown_id_is_named(fleet: Fleet, worker_id: str) -> None:
    for call in (fleet.stop, lambda unknown: fleet.nudge(unknown, "hello")):
        with pytest.raises(WorkerNotFound, match="list has the ids"):
            call(worker_id)


def test_a_worker_of_another_session_is_not_ours(
    repository: Path, fleet: Fleet, tmux_socket: str
) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    other = make_fleet(repository, tmux_socket, "session-2")

    assert other.workers() == []
    with pytest.raises(WorkerNotFound):
        other.stop(worker.id)


def test_a_finished_worker_takes_no_message(fleet: Fleet) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    stopped = fleet.stop(worker.id)

    assert stopped.status is Status.STOPPED
    with pytest.raises(WorkerFinished, match="is stopped"):
        fleet.nudge(worker.id, "hello")


def test_two_nudges_at_once_both_arrive(repository: Path, fleet: Fleet, tmux_socket: str) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker
    fleets = [fleet, make_fleet(repository, tmux_socket)]

    with ThreadPoolExecutor() as pool:
        sent = list(pool.map(lambda one: one.nudge(worker.id, "hello")[1].id, fleets))

    box = Path(fleet.records.home(worker.id), "mail")

    def found() -> set[str]:
        return {name.stem.rpartition("-")[2] for name in box.rglob("*.mail")}

    wait_until(lambda: set(sent) <= found())  # a hook may move one at this moment


def test_a_message_to_a_worker_whose_agent_has_just_died_is_refused(fleet: Fleet) -> None:
    worker = fleet.start(StartRequest("t", '```steps\n[{"crash": 3}]\n```')).worker
    while fleet.worker(worker.id).status is not Status.FAILED:
        fleet.reconcile()

    with pytest.raises(WorkerFinished, match="failed"):
        fleet.nudge(worker.id, "hello")


def test_a_hanging_tmux_server_is_said_and_changes_nothing(
    repository: Path, fleet: Fleet, tmux_socket: str
) -> None:
    worker = fleet.start(StartRequest("t", HANG)).worker

    with hanging(tmux_socket):
        with pytest.raises(RuntimeUnavailable, match="did not answer within"):
            fleet.start(StartRequest("second", HANG))
        statuses = [worker.status for worker in fleet.workers()]

    assert statuses in ([Status.STARTING], [Status.RUNNING])
    assert os.listdir(repository / ".worktrees") == [worker.name]


def test_a_tmux_that_cannot_make_its_socket_launches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMUX_TMPDIR", str(tmp_path))
    terminal = Tmux("s")
    socket = Path(terminal.handle_for("").rstrip(":"))
    socket.parent.mkdir(mode=0o700)
    socket.mkdir()  # something else is in its place

    with pytest.raises(RuntimeUnavailable, match="error connecting"):
        terminal.launch(terminal.handle_for("t"), ["sleep", "9"], cwd=str(tmp_path))


@pytest.mark.parametrize(
    ("missing", "error"), [("tmux", RuntimeUnavailable), ("claude", AgentNotInstalled)]
)
def test_a_missing_program_is_named_with_its_install_command(
    repository: Path,
    fleet: Fleet,
    tmux_socket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    error: type[WorkerManagerError],
) -> None:
    (tmp_path / "few").mkdir()
    for name in {"claude", "git", "sh", "tmux"} - {missing}:
        (tmp_path / "few" / name).symlink_to(shutil.which(name) or sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path / "few"))

    with pytest.raises(error, match=f"{missing}.*[Ii]nstall"):
        fleet.start(StartRequest("t", "x", agent="claude", permission_mode="acceptEdits"))

    monkeypatch.undo()
    assert not list((repository / ".worktrees").glob("*"))
    assert git(repository, "branch", "--list", "worker/*") == ""


def test_bypass_mode_as_root_names_the_way_out(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root is refused by Claude Code")
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("IS_SANDBOX", raising=False)

    with pytest.raises(AgentNotInstalled, match="permission_mode=acceptEdits"):
        fleet.start(StartRequest("t", "x", agent="claude"))


def test_a_state_directory_that_cannot_be_made_is_named(
    repository: Path, tmux_socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    monkeypatch.setenv("WORKER_MANAGER_STATE_DIR", str(tmp_path / "file" / "state"))

    with pytest.raises(StateUnavailable, match="WORKER_MANAGER_STATE_DIR"):
        make_fleet(repository, tmux_socket)


def test_an_environment_of_hundreds_of_variables_reaches_its_own_workers_only(
    repository: Path, fleet: Fleet, tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(400):
        monkeypatch.setenv(f"A_VARIABLE_OF_LENGTH_{number:03d}", f"v{number};")
    steps = '```steps\n[{"run": "env > seen"}, {"hang": true}]\n```'
    worker = fleet.start(StartRequest("t", steps)).worker
    monkeypatch.undo()

    seen = Path(worker.path, "seen")
    last = "A_VARIABLE_OF_LENGTH_399=v399;"
    wait_until(lambda: seen.exists() and last in seen.read_text("utf-8"))
    command = ["tmux", "-L", tmux_socket, "show-environment", "-g"]
    left = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "A_VARIABLE" not in left
    assert "TMUX_STARTER" not in left + seen.read_text("utf-8")
