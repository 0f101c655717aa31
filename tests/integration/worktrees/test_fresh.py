"""A worktree in the moment it is made: looked at, marked, and noted as it stands."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet, make_repository
from tests.support.scripted.workers import HANG
from tests.support.waiting import wait_until
from worker_manager.crew.lifecycle.request import Started, StartRequest
from worker_manager.errors import WorktreeRefused
from worker_manager.state.workers.records import Records
from worker_manager.worktrees import baseline, deletion, evidence, fresh, marks, removal, trees
from worker_manager.worktrees.bases import inspect_checkout
from worker_manager.worktrees.overview import overview

FILE_ALLOWED = ("-c", "protocol.file.allow=always")


def start(repository: Path, socket: str, **options: object) -> Started:
    return make_fleet(repository, socket, **options).start(StartRequest("t", HANG))


def make(repository: Path, name: str = "w") -> Path:
    tree, head = repository / ".worktrees" / name, git(repository, "rev-parse", "HEAD")
    trees.create(inspect_checkout(str(repository)), tree, f"worker/{name}", head)
    return tree


def hook(repository: Path, text: str, name: str = "post-checkout") -> Path:
    file = repository / ".git" / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    file.chmod(0o755)
    return file


def with_line_ends_that_change(repository: Path) -> None:
    """What its commit holds is not what git would commit again. A hook has git look: else it does
    so only of a file that was written in the second in which its index was.
    """
    (repository / "w.txt").write_bytes(b"a\r\nb\r\n")
    git(repository, "-c", "core.autocrlf=false", "add", "-A")
    git(repository, "commit", "-q", "-m", "line ends")
    (repository / ".gitattributes").write_text("*.txt text\n", "utf-8")
    git(repository, "add", ".gitattributes")
    git(repository, "commit", "-q", "-m", "text")
    hook(repository, "touch -d 2020-01-01 w.txt")


def of_worker(tree: Path) -> list[str]:
    changes = evidence.changes(str(tree))
    return [one.name for one in baseline.of_worker(marks.pointed_at(str(tree)), str(tree), changes)]


# What was so when it was made


def test_what_git_calls_changed_from_the_first_moment_is_not_the_workers(
    repository: Path, tmux_socket: str
) -> None:
    with_line_ends_that_change(repository)

    started = start(repository, tmux_socket)

    tree = Path(started.worker.path)
    (note,) = [one for one in started.notes if "changed" in one]
    assert note.startswith("git calls 1 file of the new worktree changed, 'w.txt' for one")
    assert [one.name for one in evidence.changes(str(tree))] == ["w.txt"]
    assert of_worker(tree) == []
    (tree / "w.txt").write_bytes((tree / "w.txt").read_bytes())  # the same again
    assert of_worker(tree) == []
    (tree / "mine").touch()
    assert of_worker(tree) == ["mine"]
    (tree / "w.txt").write_bytes(b"a\r\nB\r\n")
    assert of_worker(tree) == ["w.txt", "mine"]


@pytest.mark.parametrize("change", ["unlink", "link", "program", "staged", "directory"])
def test_whatever_else_becomes_of_such_a_file_is_the_workers(
    repository: Path, tmux_socket: str, change: str
) -> None:
    with_line_ends_that_change(repository)
    tree = Path(start(repository, tmux_socket).worker.path)
    file, content = tree / "w.txt", (tree / "w.txt").read_bytes()

    if change == "program":
        file.chmod(0o755)
    elif change == "staged":
        git(tree, "add", "-A")
    else:
        file.unlink()
    if change == "link":
        (tree / "beside").write_bytes(content)
        file.symlink_to("beside")
    elif change == "directory":
        file.mkdir()
        (file / "a").write_bytes(content)

    assert "w.txt" in " ".join(of_worker(tree))


def test_names_of_any_bytes_are_noted(repository: Path, tmux_socket: str) -> None:
    hook(repository, "printf x >\"$(printf 'caf\\351')\"; mkfifo pipe; ln -s nowhere link")

    tree = Path(start(repository, tmux_socket).worker.path)

    assert of_worker(tree) == ["pipe"] or of_worker(tree) == []  # git itself shows no pipe
    assert sorted(baseline.read(marks.pointed_at(str(tree)))) == [os.fsdecode(b"caf\xe9"), "link"]


def test_a_note_that_nobody_can_read_makes_all_of_it_the_workers(
    repository: Path, tmux_socket: str
) -> None:
    with_line_ends_that_change(repository)
    tree = Path(start(repository, tmux_socket).worker.path)
    for content in ("", "[]", '{"w.txt": 1}', '{"w.txt": []}', "null"):
        Path(marks.pointed_at(str(tree)), baseline.FILE).write_text(content, "utf-8")
        assert of_worker(tree) == ["w.txt"], content


def test_more_than_is_worth_noting_is_the_workers(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = make(repository)
    for name in ("a", "b", "c"):
        (tree / name).write_text(name, "utf-8")
    admin = marks.pointed_at(str(tree))
    for limit, value in (("MAX_FILES", 2), ("MAX_BYTES", 2)):
        with monkeypatch.context() as patched:
            patched.setattr(baseline, limit, value)
            baseline.note(admin, str(tree), evidence.changes(str(tree)))
        assert of_worker(tree) == ["c"]


# Where git looks


def submodule(tmp_path: Path, repository: Path) -> Path:
    other = make_repository(tmp_path / "other")
    git(repository, *FILE_ALLOWED, "submodule", "add", "-q", str(other), "sub")
    git(repository, "commit", "-q", "-m", "sub")
    return repository / "sub"


def bare_with_a_checkout(tmp_path: Path, repository: Path) -> Path:
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "-q", str(tmp_path / "top"), "main")
    return tmp_path / "top"


def separate(tmp_path: Path, repository: Path) -> Path:
    git(repository, "init", "-q", f"--separate-git-dir={tmp_path / 'store.git'}")
    return repository


def configured(tmp_path: Path, repository: Path) -> Path:
    git(repository, "config", "core.worktree", str(repository))
    return repository


def linked(tmp_path: Path, repository: Path) -> Path:
    (repository / ".git").rename(tmp_path / "store.git")
    (repository / ".git").symlink_to(tmp_path / "store.git")
    return repository


def sparse(tmp_path: Path, repository: Path) -> Path:
    git(repository, "sparse-checkout", "set", "--no-cone", "/*")
    return repository


@pytest.mark.parametrize("extension", ["", "before", "after"])
@pytest.mark.parametrize(
    "layout", [submodule, bare_with_a_checkout, separate, configured, linked, sparse]
)
def test_git_finds_the_new_worktree_and_nothing_else(
    tmp_path: Path, repository: Path, layout: object, extension: str
) -> None:
    """Where all worktrees share `core.worktree` or `core.bare`, its own settings say otherwise."""
    if (layout, extension) == (bare_with_a_checkout, "after"):
        pytest.skip("git itself finds no files in the checkout then")
    if extension == "before":
        git(repository, "config", "extensions.worktreeConfig", "true")
    checkout = layout(tmp_path, repository)  # type: ignore[operator]
    if extension == "after":
        git(checkout, "config", "extensions.worktreeConfig", "true")
    before = git(checkout, "status", "--porcelain", "--untracked-files=all")

    tree = make(checkout)

    assert fresh.finish(tree, git(checkout, "rev-parse", "HEAD")) == []
    assert git(tree, "rev-parse", "--show-toplevel") == str(tree)
    (tree / "b.txt").write_text("b\n", "utf-8")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "b")
    assert git(tree, "ls-tree", "--name-only", "-r", "HEAD").split("\n")[-1] == "b.txt"
    assert "README" in git(tree, "ls-tree", "--name-only", "HEAD")
    assert git(tree, "status", "--porcelain") == ""
    assert git(checkout, "status", "--porcelain", "--untracked-files=all") == before
    trees.forget(inspect_checkout(str(checkout)).main, tree, "worker/w")
    assert not tree.exists()


def test_a_worktree_that_git_can_not_be_brought_to_find_is_taken_back(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a git may that knows settings which ours does not."""
    shim = tmp_path / "bin" / "git"
    shim.parent.mkdir()
    program = shutil.which("git")
    shim.write_text(
        '#!/bin/sh\ncase "$*" in *.worktrees*--show-toplevel*) echo /elsewhere; exit ;; esac\n'
        f'exec {program} "$@"\n',
        "utf-8",
    )
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:{os.environ['PATH']}")

    with pytest.raises(WorktreeRefused, match=r"does not find it, but: /elsewhere\. Run git -C"):
        make(repository)

    assert list((repository / ".worktrees").iterdir()) == []
    assert git(repository, "branch", "--list", "worker/*") == ""


# The person's hook


@pytest.mark.promise("start-hook")
def test_a_hook_that_fails_after_the_files_are_there_is_said_and_hinders_nothing(
    repository: Path, tmux_socket: str
) -> None:
    hook(repository, "echo 'husky.sh: not found' >&2; exit 3")

    started = start(repository, tmux_socket)

    (note,) = started.notes
    assert "post-checkout hook failed in the new worktree (exit code 3)" in note
    assert note.endswith("It said: husky.sh: not found")
    assert (Path(started.worker.path) / "README").exists()


def test_the_hook_finds_what_it_finds_when_git_runs_it(repository: Path, tmp_path: Path) -> None:
    hook(repository, f'(pwd; echo "$@"; env | grep ^GIT_ | sort) >>{tmp_path}/$(basename "$PWD")')
    head = git(repository, "rev-parse", "HEAD")
    for place in (tmp_path / "added", tmp_path / "switched"):
        git(repository, "worktree", "add", "-q", "--detach", str(place / "w"))
        (tmp_path / "w").rename(place / "said")
    git(place / "w", "switch", "-q", "-c", "other")

    tree = make(repository, "ours")
    fresh.finish(tree, head)

    added, switched, ours = (
        file.read_text("utf-8").splitlines()
        for file in (tmp_path / "added" / "said", tmp_path / "w", tmp_path / "ours")
    )
    assert ours[:2] == [str(tree), added[1]]
    quiet = {"GIT_EDITOR", "GIT_MERGE_AUTOEDIT", "GIT_OPTIONAL_LOCKS", "GIT_TERMINAL_PROMPT"}
    assert {line.partition("=")[0] for line in ours[2:]} - quiet == {
        line.partition("=")[0] for line in switched[2:]
    }


def test_a_hook_in_the_files_of_the_project_is_that_of_the_worktree(
    repository: Path, tmux_socket: str
) -> None:
    (repository / ".husky").mkdir()
    script = repository / ".husky" / "post-checkout"
    script.write_text("#!/bin/sh\n. $(dirname $0)/_/husky.sh\n", "utf-8")
    script.chmod(0o755)
    git(repository, "config", "core.hooksPath", ".husky")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "husky")

    started = start(repository, tmux_socket)

    assert "husky.sh" in started.notes[0]


def test_a_hook_that_never_ends_is_ended_and_said_so(
    repository: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "HOOK_SECONDS", 1)
    hook(repository, "sleep 600")

    started = start(repository, tmux_socket)

    assert "post-checkout hook did not end within 1 s" in started.notes[0]


@pytest.mark.promise("start-hook")
def test_a_slow_hook_holds_up_no_other_start(
    repository: Path, tmux_socket: str, tmp_path: Path
) -> None:
    hook(repository, f"touch {tmp_path}/began; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")
    script = (
        "from pathlib import Path\nfrom tests.conftest import make_fleet\n"
        "from worker_manager.crew.lifecycle.request import StartRequest\n"
        f"fleet = make_fleet(Path({str(repository)!r}), {tmux_socket!r})\n"
        f"fleet.start(StartRequest('t', {HANG!r}))\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    slow = subprocess.Popen([sys.executable, "-c", script], env=environ)
    try:
        wait_until((tmp_path / "began").exists)
        (repository / ".git" / "hooks" / "post-checkout").unlink()

        started = start(repository, tmux_socket)

        assert slow.poll() is None
        assert Path(started.worker.path).is_dir()
    finally:
        (tmp_path / "go").touch()
        assert slow.wait(30) == 0


@pytest.mark.promise("start-hook")
@pytest.mark.parametrize("failing", ["hook", "filter"])
def test_a_worktree_that_is_made_again_is_there_or_as_gone_as_before(
    repository: Path, failing: str
) -> None:
    (repository / ".gitattributes").write_text("README filter=f\n", "utf-8")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "filter")
    tree = make(repository)
    git(repository, "worktree", "remove", "--force", str(tree))
    if failing == "hook":
        hook(repository, "echo no >&2; exit 1")
        (note,) = trees.reopen(repository, tree, "worker/w")
        assert "It said: no" in note
        assert (tree / "README").exists()
        return
    git(repository, "config", "filter.f.smudge", "false")
    git(repository, "config", "filter.f.required", "true")

    with pytest.raises(WorktreeRefused, match="git reset failed"):
        trees.reopen(repository, tree, "worker/w")

    assert not tree.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert git(repository, "branch", "--list", "worker/w") != ""


# The mark


@pytest.mark.promise("start-whole")
@pytest.mark.parametrize("step", ["registered", "marked", "filled"])
@pytest.mark.parametrize("again", [False, True], ids=["create", "reopen"])
def test_a_worktree_whose_making_was_killed_is_known_as_ours_and_goes(
    repository: Path, step: str, again: bool
) -> None:
    if again:
        tree = make(repository)
        trees.forget(repository, tree, "worker/w")
        call = f"trees.reopen(Path({str(repository)!r}), tree, 'worker/w')"
    else:
        tree, head = repository / ".worktrees" / "w", git(repository, "rev-parse", "HEAD")
        call = f"trees.create(inspect_checkout({str(repository)!r}), tree, 'worker/w', {head!r})"
    target = {
        "registered": ("trees.marks", "mark"),
        "marked": ("fresh", "fill"),
        "filled": ("fresh", "finish"),
    }
    module, name = target[step]
    script = (
        "import os, signal\nfrom pathlib import Path\n"
        "from worker_manager.worktrees import fresh, trees\n"
        "from worker_manager.worktrees.bases import inspect_checkout\n"
        f"tree = Path({str(tree)!r})\n"
        f"{module}.{name} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"{call}\nfresh.finish(tree, '')\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    killed = subprocess.run([sys.executable, "-c", script], env=environ, check=False)
    assert killed.returncode == -signal.SIGKILL

    found = removal.find(overview(str(repository)), str(tree), "worker/w")

    assert marks.is_marked(found.admin, "worker/w")
    assert removal.forbidden(overview(str(repository)), found) == ""
    aside = removal.set_aside(found)
    assert aside.worktree
    assert deletion.delete(aside.worktree.path, deletion.inventory(aside.worktree.path)) == []
    removal.finish(aside)
    assert not tree.exists()
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_a_lock_of_the_persons_own_is_heeded(repository: Path) -> None:
    tree = make(repository)
    git(repository, "worktree", "lock", "--reason", "worker/w", str(tree))

    assert "is locked (worker/w)" in removal.forbidden(
        overview(str(repository)), removal.find(overview(str(repository)), str(tree), "worker/w")
    )
    assert not marks.is_marked(marks.pointed_at(str(tree)), "worker/other")


def test_a_failed_start_leaves_nothing_of_what_the_hook_made(
    repository: Path, tmux_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(repository, "touch made-by-hook")
    (repository / ".worktreeinclude").write_text(".env\n", "utf-8")
    (repository / ".gitignore").write_text(".env\n", "utf-8")
    (repository / ".env").touch()
    monkeypatch.setattr("worker_manager.worktrees.copies.MAX_FILES", 0)
    fleet = make_fleet(repository, tmux_socket)

    with pytest.raises(WorktreeRefused, match="at most 0 files"):
        fleet.start(StartRequest("t", HANG))

    assert list((repository / ".worktrees").iterdir()) == []
    assert git(repository, "branch", "--list", "worker/*") == ""
    assert Records(fleet.records.repository).all() == []
