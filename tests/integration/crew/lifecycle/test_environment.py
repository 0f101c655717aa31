"""What a worker finds in its worktree beyond the commit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import git, make_fleet, make_repository
from tests.support.scripted.workers import HANG
from tests.support.waiting import wait_until
from worker_manager.crew.lifecycle.request import Started, StartRequest
from worker_manager.domain import identifiers
from worker_manager.domain.worker import Status
from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees import copies, trees
from worker_manager.worktrees.bases import inspect_checkout


@pytest.fixture
def ignoring(repository: Path) -> Path:
    """A repository that ignores some files, and wants them in its worktrees."""
    (repository / ".gitignore").write_text(".env*\n/build/\nlink\nnode_modules/\n", "utf-8")
    (repository / ".worktreeinclude").write_text("# secrets\n.env*\n!.env.prod\nlink\n", "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "ignore")
    return repository


def start(repository: Path, socket: str, task: str = HANG, **options: object) -> Started:
    return make_fleet(repository, socket, **options).start(StartRequest("t", task))


@pytest.mark.promise("environment-files")
def test_ignored_files_that_are_wanted_are_copied_and_others_are_not(
    ignoring: Path, tmux_socket: str
) -> None:
    for name in (".env", ".env.prod", "sub/.env.local", "build/out", "node_modules/x/y"):
        (ignoring / name).parent.mkdir(parents=True, exist_ok=True)
        (ignoring / name).write_text(name, "utf-8")
    (ignoring / ".env").chmod(0o600)
    (ignoring / "untracked").write_text("x", "utf-8")
    make_repository(ignoring / "build" / "dependency")

    started = start(ignoring, tmux_socket, worktree_copy=("/build/", "untracked"))

    tree = Path(started.worker.path)
    copied = (".env", "build/out", "sub/.env.local")
    assert [(tree / name).read_text("utf-8") for name in copied] == list(copied)
    assert (tree / ".env").stat().st_mode & 0o777 == 0o600
    for name in (".env.prod", "node_modules", "untracked"):
        assert not (tree / name).exists()
    assert "Copied from your checkout: .env, build/out, sub/.env.local." in started.notes
    assert "Not copied: build/dependency/ (a repository of its own)." in started.notes
    # Not what another worker was given.
    assert start(ignoring, tmux_socket).notes == [
        "Copied from your checkout: .env, sub/.env.local."
    ]
    assert git(tree, "status", "--porcelain", "--untracked-files=all") == ""


@pytest.mark.promise("environment-files")
def test_a_tracked_file_is_never_overwritten_and_a_secret_never_left_unignored(
    ignoring: Path, tmux_socket: str
) -> None:
    (ignoring / ".env").write_text("tracked", "utf-8")
    git(ignoring, "add", "-f", ".env")
    git(ignoring, "commit", "-q", "-m", "track")
    git(ignoring, "rm", "-q", "--cached", ".env")
    git(ignoring, "commit", "-q", "-m", "untrack")
    (ignoring / ".env").write_text("SECRET", "utf-8")
    (ignoring / "key").write_text("SECRET", "utf-8")
    with (ignoring / ".gitignore").open("a", encoding="utf-8") as file:
        file.write("key\n")  # not in the commit

    fleet = make_fleet(ignoring, tmux_socket, worktree_copy=("key",))
    started = fleet.start(StartRequest("t", HANG, base_branch="HEAD~1"))

    tree = Path(started.worker.path)
    assert (tree / ".env").read_text("utf-8") == "tracked"
    assert not (tree / "key").exists()
    why = copies.NOT_IGNORED
    assert f"Not copied: .env ({why}), key ({why})." in started.notes


@pytest.mark.promise("environment-files")
def test_no_link_leads_out(ignoring: Path, tmux_socket: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET", "utf-8")
    (ignoring / ".env").symlink_to(tmp_path / "secret")
    (ignoring / ".env.up").symlink_to("../secret")
    (ignoring / ".env.own").symlink_to(ignoring / "README")
    (ignoring / "link").symlink_to("README")
    (ignoring / "sub").mkdir()
    (ignoring / "sub" / "real").touch()
    git(ignoring, "add", ".")
    git(ignoring, "commit", "-q", "-m", "sub")
    # At the base, `far` is a link that leads out; in the checkout it is a directory.
    (ignoring / "far").symlink_to(tmp_path)
    git(ignoring, "add", ".")
    git(ignoring, "commit", "-q", "-m", "far")
    (ignoring / "far").unlink()
    (ignoring / "far").mkdir()
    (ignoring / "far" / ".env").write_text("x", "utf-8")

    started = start(ignoring, tmux_socket)

    tree = Path(started.worker.path)
    assert os.readlink(tree / "link") == "README"
    assert not any((tree / name).is_symlink() for name in (".env", ".env.up", ".env.own"))
    assert not (tmp_path / ".env").exists()
    (note,) = [note for note in started.notes if note.startswith("Not copied")]
    assert note.count("a link that leads out of the checkout") == 3
    assert "far/.env" in note


def test_too_much_to_copy_is_refused_and_leaves_nothing(
    ignoring: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MAX_FILES", 3)
    for number in range(4):
        (ignoring / f".env.{number}").touch()
    fleet = make_fleet(ignoring, tmux_socket)

    with pytest.raises(WorktreeRefused, match=r"name 4 files .* at most 3 files .* worktree.setup"):
        fleet.start(StartRequest("t", HANG))

    assert fleet.records.all() == []
    assert list((ignoring / ".worktrees").iterdir()) == []
    assert git(ignoring, "branch", "--list", "worker/*") == ""


NAME = st.text(
    st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=40
).filter(lambda name: name not in (".", "..") and name.lower() != ".git")


@pytest.mark.promise("environment-files")
@settings(max_examples=25)
@given(
    files=st.dictionaries(
        st.lists(NAME, min_size=1, max_size=3).map(tuple),
        st.tuples(st.binary(max_size=50), st.sampled_from([0o400, 0o600, 0o644, 0o755])),
        max_size=6,
    )
)
def test_whatever_files_are_called_they_arrive_whole(
    repository: Path, files: dict[tuple[str, ...], tuple[bytes, int]]
) -> None:
    checkout = repository
    shutil.rmtree(checkout / "secret", ignore_errors=True)
    (checkout / ".git" / "info" / "exclude").write_text("/secret/\n/.worktrees/\n", "utf-8")
    made: dict[str, tuple[bytes, int]] = {}
    for parts, (content, mode) in files.items():
        path = checkout.joinpath("secret", *parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError:  # a file where a directory must be, or a name that is too long
            continue
        path.chmod(mode)
        made[str(path.relative_to(checkout))] = (content, mode)
    name = identifiers.new_worker_id()
    tree = checkout / ".worktrees" / name
    head = git(checkout, "rev-parse", "HEAD")
    trees.create(inspect_checkout(str(checkout)), tree, f"worker/{name}", head)

    copied = copies.copy(checkout, tree, ["/secret/"])

    assert sorted(copied.files) == sorted(made)
    assert copied.skipped == []
    for name, (content, mode) in made.items():
        assert (tree / name).read_bytes() == content
        assert (tree / name).stat().st_mode & 0o777 == mode


@pytest.mark.promise("environment-setup")
def test_the_setup_runs_before_the_agent_and_start_does_not_wait_for_it(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    setup = f"echo SETTING-UP; while [ ! -e {go} ]; do sleep 0.05; done; pwd > was-set-up"
    steps = '```steps\n[{"run": "test -e was-set-up"}, {"complete": "done"}]\n```'
    fleet = make_fleet(repository, tmux_socket, worktree_setup=setup)

    started = fleet.start(StartRequest("t", steps, checks=["test -e was-set-up"]))

    assert "Its setup command runs first, in its terminal." in started.notes
    wait_until(lambda: "its setup runs: echo SETTING-UP" in fleet.workers()[0].reason)
    wait_until(lambda: "SETTING-UP" in fleet.screen(started.worker))
    go.touch()
    wait_until(lambda: fleet.workers()[0].status is Status.COMPLETED)
    assert fleet.workers()[0].reason == ""
    assert Path(started.worker.path, "was-set-up").read_text("utf-8").strip() == started.worker.path
    log = Path(fleet.records.home(started.worker.id), "setup.log")
    assert log.read_text("utf-8") == "SETTING-UP\n"


@pytest.mark.promise("environment-setup")
@pytest.mark.parametrize(
    ("setup", "seconds", "why", "code"),
    [
        ("echo LAST-WORDS; exit 7", 60, "failed, exit code 7", 7),
        ("echo LAST-WORDS; sleep 60", 1, "took longer than 1 s", 124),
    ],
)
def test_a_setup_that_fails_is_told_with_its_last_words_and_no_agent_starts(
    repository: Path, tmux_socket: str, setup: str, seconds: int, why: str, code: int
) -> None:
    fleet = make_fleet(
        repository, tmux_socket, worktree_setup=setup, worktree_setup_seconds=seconds
    )
    worker = fleet.start(StartRequest("t", '```steps\n[{"complete": "done"}]\n```')).worker

    wait_until(lambda: fleet.worker(worker.id).exit_code is not None)

    claim = fleet.claim_mail(most=5)
    assert claim is not None
    (message,) = claim.messages
    assert message.type == "failed"
    assert f"its setup `{setup}` {why}; its agent was not started" in message.body
    assert "LAST-WORDS" in message.body
    assert "setup.log" in message.body
    ended = fleet.worker(worker.id)
    assert (ended.status, ended.exit_code) == (Status.FAILED, code)


@pytest.mark.promise("environment-setup")
def test_stopping_a_worker_ends_its_setup(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    alive = tmp_path / "alive"
    setup = f"while sleep 0.05; do date +%s%N > {alive}; done"
    fleet = make_fleet(repository, tmux_socket, worktree_setup=setup)
    worker = fleet.start(StartRequest("t", HANG)).worker
    wait_until(alive.exists)

    fleet.stop(worker.id)

    def is_quiet() -> bool:
        before = alive.read_text("utf-8")
        time.sleep(0.5)
        return alive.read_text("utf-8") == before

    wait_until(is_quiet)
    assert fleet.worker(worker.id).status is Status.STOPPED
    assert fleet.claim_mail(most=5) is None


def test_a_restored_worktree_is_furnished_and_set_up_again(
    ignoring: Path, tmux_socket: str
) -> None:
    (ignoring / ".env").write_text("SECRET", "utf-8")
    fleet = make_fleet(ignoring, tmux_socket, worktree_setup="touch .env.set-up")
    worker = fleet.start(StartRequest("t", HANG)).worker
    fleet.stop(worker.id)
    git(ignoring, "worktree", "remove", "--force", worker.path)

    fleet.restore(worker.id)

    assert Path(worker.path, ".env").read_text("utf-8") == "SECRET"
    wait_until(Path(worker.path, ".env.set-up").exists)


@pytest.mark.promise("environment-offline")
def test_submodules_are_filled_from_the_main_checkout_and_others_are_named(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    inner, outer, other = (make_repository(tmp_path / name) for name in ("inner", "outer", "other"))
    local = ("-c", "protocol.file.allow=always", "submodule")
    git(outer, *local, "--quiet", "add", str(inner), "deep")
    git(outer, "commit", "-q", "-m", "deep")
    git(repository, *local, "--quiet", "add", str(outer), "lib dir/outer")
    git(repository, *local, "--quiet", "add", str(other), "other")
    git(repository, *local, "--quiet", "update", "--init", "--recursive")
    git(repository, "commit", "-q", "-m", "modules")
    git(repository, *local, "--quiet", "deinit", "--force", "other")
    shutil.rmtree(repository / ".git" / "modules" / "other")
    for gone in (inner, outer, other):  # from here on there is no network
        shutil.rmtree(gone)

    started = start(repository, tmux_socket)

    tree = Path(started.worker.path)
    assert (tree / "lib dir" / "outer" / "deep" / "README").read_text("utf-8") == "hello\n"
    assert git(tree / "lib dir" / "outer", "remote", "get-url", "origin") == str(outer)
    assert "Empty submodules: other (not initialised in the main checkout)." in started.notes
    assert git(tree, "status", "--porcelain") == ""
    assert git(repository, "status", "--porcelain") == ""


def test_a_worktree_with_submodules_is_taken_back_when_its_start_fails(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    other = make_repository(tmp_path / "other")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "sub")
    git(repository, "commit", "-q", "-m", "sub")
    checkout, tree = repository, repository / ".worktrees" / "w"
    base = git(repository, "rev-parse", "HEAD")
    trees.create(inspect_checkout(str(checkout)), tree, "worker/w", base)
    git(tree, "-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init")

    trees.remove_unused(checkout, tree, "worker/w", base)

    assert not tree.exists()
    assert git(repository, "branch", "--list", "worker/*") == ""


@pytest.mark.promise("environment-offline")
def test_large_files_are_taken_from_what_was_fetched_and_never_wait_for_a_network(
    repository: Path, tmux_socket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    for name in ("here.bin", "away.bin"):
        (repository / name).write_text(pointer, "utf-8")
    (repository / ".gitattributes").write_text("*.bin filter=lfs\n", "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "large")
    # In the place of git-lfs, with a network that never answers.
    program = tmp_path / "bin" / "git-lfs"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\ncase $1 in\nsmudge) [ -n "$GIT_LFS_SKIP_SMUDGE" ] || sleep 600; cat ;;\n'
        "checkout) echo real > here.bin ;;\nclean) cat ;;\nesac\n",
        "utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    git(repository, "config", "filter.lfs.smudge", "git-lfs smudge -- %f")
    git(repository, "config", "filter.lfs.clean", "git-lfs clean -- %f")

    started = start(repository, tmux_socket)

    assert Path(started.worker.path, "here.bin").read_text("utf-8") == "real\n"
    assert "Large files that are pointers only (git lfs pull): away.bin." in started.notes


@pytest.mark.promise("environment-offline")
@pytest.mark.parametrize("cone", ["--cone", "--no-cone"])
def test_a_worktree_is_as_sparse_as_the_checkout(
    repository: Path, tmux_socket: str, cone: str
) -> None:
    for name in ("wanted/a", "left-out/a"):
        (repository / name).parent.mkdir()
        (repository / name).touch()
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "two")
    git(repository, "sparse-checkout", "set", cone, "wanted")

    tree = Path(start(repository, tmux_socket).worker.path)

    assert (tree / "wanted" / "a").exists()
    assert not (tree / "left-out").exists()


def test_names_that_only_case_tells_apart_are_said_where_case_does_not_count(
    repository: Path, tmux_socket: str
) -> None:
    (repository / "readme").touch()
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "two")
    git(repository, "config", "core.ignorecase", "true")

    notes = start(repository, tmux_socket).notes

    told = "Names that differ by case only, of which one is missing: README and readme."
    assert told in notes


def test_large_files_are_no_news_where_nobody_puts_them_in(
    repository: Path, tmux_socket: str
) -> None:
    (repository / ".gitattributes").write_text("*.bin filter=lfs\n", "utf-8")
    (repository / "a.bin").write_text("version https://git-lfs.github.com/spec/v1\n", "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "pointer")

    assert start(repository, tmux_socket).notes == []


def test_a_redirecting_variable_redirects_no_worker(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    """In a process of its own: the variables are taken out of it when git is first loaded."""
    other = make_repository(tmp_path / "other")
    script = tmp_path / "start.py"
    script.write_text(
        "import os, sys\n"
        f"os.environ.update(GIT_DIR={str(other / '.git')!r}, GIT_WORK_TREE={str(other)!r})\n"
        "from pathlib import Path\n"
        "from tests.conftest import make_fleet\n"
        "from worker_manager.crew.lifecycle.request import StartRequest\n"
        f"fleet = make_fleet(Path({str(repository)!r}), {tmux_socket!r})\n"
        f"print(fleet.start(StartRequest('t', {HANG!r}, checks=['true'])).worker.path)\n",
        "utf-8",
    )
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )

    assert Path(done.stdout.strip()).is_relative_to(repository)
    assert git(other, "worktree", "list").count("\n") == 0
