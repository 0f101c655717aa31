"""What a merge reads and writes of others' texts: bounded, and as bytes."""

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import git, make_fleet
from tests.support.scripted.bench import add_worker, commit, write_hook
from tests.support.waiting import wait_until
from worker_manager.crew.fleet import Fleet
from worker_manager.crew.integration.merge import MergeOptions
from worker_manager.domain.worker import Worker
from worker_manager.errors import MergeRefused
from worker_manager.state.locking import exclusive
from worker_manager.worktrees import merging


def refused(fleet: Fleet, worker: Worker, strategy: str = "merge") -> MergeRefused:
    """What is said of a merge that can't be."""
    with pytest.raises(MergeRefused) as caught:
        fleet.merge(worker.id, MergeOptions(strategy))
    return caught.value


@pytest.mark.promise("merge-conflict")
def test_openings_without_an_end_cost_no_more_than_other_lines(
    fleet: Fleet, repository: Path
) -> None:
    openings = "<<<<<<< not an end of it\n" * 100_000  # 2.5 MB
    worker = add_worker(fleet, repository, {"README": f"theirs\n{openings}"})
    commit(repository, {"README": f"ours\n{openings}"})
    began = time.monotonic()

    shown = refused(fleet, worker).shown

    assert time.monotonic() - began < 20
    assert "ours\n=======\ntheirs" in shown


@pytest.mark.promise("merge-conflict")
def test_a_huge_conflict_is_shown_as_far_as_it_was_looked_at(
    fleet: Fleet, repository: Path
) -> None:
    line = "x" * 99
    rest = "\n".join(f"{line}{n}" for n in range(100_000))
    worker = add_worker(fleet, repository, {"README": f"theirs {line * 99}\n{rest}\nEND\n"})
    commit(repository, {"README": f"ours\n{rest}\nend\n"})

    shown = refused(fleet, worker).shown

    assert "ours\n=======\ntheirs xxx" in shown
    assert f"x[...]\n>>>>>>> {git(repository, 'rev-parse', worker.branch)}" in shown
    assert "'README': [... only its first 4,000,000 bytes were looked at]" in shown
    assert len(shown) < 5_000


def test_so_many_hunks_and_lines_are_shown(fleet: Fleet, repository: Path) -> None:
    apart = "".join(f"same {n}\n" for n in range(20))
    many = {name: apart.join([*(f"{name} {n}\n" * 90 for n in range(9)), ""]) for name in "abc"}
    commit(repository, {"README": many["c"]})
    worker = add_worker(fleet, repository, {"README": many["a"]})
    commit(repository, {"README": many["b"]})

    shown = refused(fleet, worker).shown

    assert shown.count("<<<<<<<") == 3
    assert "[... 143 more lines]" in shown


def test_no_lock_is_held_while_a_conflict_is_shown(
    fleet: Fleet, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = add_worker(fleet, repository, {"README": "theirs\n"})
    commit(repository, {"README": "ours\n"})
    folder, sign, go = tmp_path / "bin", tmp_path / "sign", tmp_path / "go"
    folder.mkdir()
    wait = f"touch {sign}; while [ ! -e {go} ]; do sleep 0.05; done"
    case = f'case "$*" in *"cat-file blob"*) {wait};; esac'
    shim = f'#!/bin/sh\n{case}\nexec {shutil.which("git")} "$@"\n'
    (folder / "git").write_text(shim)
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    merging_thread = threading.Thread(target=refused, args=(fleet, worker))
    merging_thread.start()
    try:
        wait_until(sign.exists)
        for name in ("merge.lock", "git.lock"):
            with exclusive(os.path.join(fleet.records.repository, name), timeout_seconds=1):
                pass
    finally:
        go.touch()
        merging_thread.join()


def raw_commit(worker: Worker, content: bytes) -> str:
    """A commit of exactly these bytes, behind its tree and parent, on the worker's branch."""
    tree, head = git(Path(worker.path), "write-tree"), git(Path(worker.path), "rev-parse", "HEAD")
    whole = f"tree {tree}\nparent {head}\n".encode() + content
    words = ["git", "hash-object", "-t", "commit", "-w", "--stdin"]
    made = subprocess.run(words, cwd=worker.path, input=whole, capture_output=True, check=True)
    sha = made.stdout.decode().strip()
    git(Path(worker.path), "reset", "-q", "--hard", sha)
    return sha


def raw(repository: Path, sha: str) -> bytes:
    """A commit as it is."""
    words = ["git", "cat-file", "commit", sha]
    return subprocess.run(words, cwd=repository, capture_output=True, check=True).stdout


WHO = b"author J. R. \xc3\xb6 Jr. <a@b> 981151445 +0545\ncommitter C <c@d> 981151446 -0100\n"
#: The rest of a commit, its encoding header, and its message.
COMMITS = {
    "Latin-1": (WHO.replace(b"\xc3\xb6", b"\xf6"), b"encoding ISO-8859-1\n", b"Gr\xfc\xdfe\n"),
    "no valid UTF-8": (WHO, b"", b"Gr\xfc\xdfe\n\nbody\n"),
    "an unknown encoding": (WHO, b"encoding x-none\n", b"\xff\xfe\n"),
    "no message": (WHO, b"", b""),
    "trailing blanks": (WHO, b"", b"\n subject  \n\n\n\n#\t\n\n\n"),
    "no line feed": (WHO, b"", b"subject"),
    "no name": (WHO.replace(b"J. R. \xc3\xb6 Jr.", b""), b"", b"x\n"),
}


@pytest.mark.parametrize("what", COMMITS)
def test_a_rebase_keeps_authors_dates_and_messages_byte_for_byte(
    fleet: Fleet, repository: Path, what: str
) -> None:
    who, encoding, message = COMMITS[what]
    worker = add_worker(fleet, repository)
    Path(worker.path, "a").write_text("1")
    git(Path(worker.path), "add", "a")
    signed = b"gpgsig -----BEGIN\n more\n \n -----END\n"
    raw_commit(worker, who + encoding + signed + b"\n" + message)
    commit(repository, {"mine": "x"})

    fleet.merge(worker.id, MergeOptions("rebase"))

    head, _, kept = raw(repository, "main").partition(b"\n\n")
    lines = head.split(b"\n")
    assert kept == message
    assert lines[2] == who.split(b"\n")[0]
    assert lines[3].startswith(b"committer Test <test@example.invalid> ")
    assert [one + b"\n" for one in lines[4:]] == ([encoding] if encoding else [])
    assert git(repository, "fsck", "--no-dangling") == ""


@pytest.mark.parametrize("strategy", ["merge", "squash", "rebase"])
def test_settings_for_logs_and_encodings_change_no_message(
    fleet: Fleet, repository: Path, tmp_path: Path, strategy: str
) -> None:
    key = tmp_path / "key"
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)]
    subprocess.run(words, check=True)
    (tmp_path / "allowed").write_text(f"* {key.with_suffix('.pub').read_text()}")
    for name, value in {
        "gpg.format": "ssh",
        "gpg.ssh.allowedSignersFile": str(tmp_path / "allowed"),
        "user.signingKey": str(key),
        "commit.gpgsign": "true",
        "log.showSignature": "true",
        "log.follow": "true",
        "i18n.logOutputEncoding": "ISO-8859-1",
        "i18n.commitEncoding": "UTF-8",
        "format.pretty": "oneline",
        "core.abbrev": "4",
    }.items():
        git(repository, "config", name, value)
    worker = add_worker(fleet, repository, {"a": "1"}, title="Übung")
    git(Path(worker.path), "commit", "-q", "--amend", "-m", "Größe")
    commit(repository, {"mine": "x"})
    git(repository, "config", "i18n.commitEncoding", "ISO-8859-1")

    fleet.merge(worker.id, MergeOptions(strategy))

    head, _, message = raw(repository, "main").decode().partition("\n\n")
    assert "author Test <test@example.invalid> " in head
    assert "gpgsig -----BEGIN SSH" in head
    assert "Good" not in head.replace("gpgsig", "") + message
    assert {
        "merge": "Merge branch 'worker/",
        "squash": "Übung\n\n* Größe\n",
        "rebase": "Größe\n",
    }[strategy] in message
    git(repository, "verify-commit", "main")


def add_program(repository: Path, *folders: str) -> None:
    """Ignored folders, with a program and a file in each."""
    (repository / ".git" / "info" / "exclude").write_text("/.worktrees/\n")
    commit(repository, {".gitignore": "".join(f"{Path(one).parts[0]}/\n" for one in folders)})
    for folder in folders:
        place = repository / folder
        place.mkdir(parents=True)
        (place / "lint").write_text('#!/bin/sh\necho checked >> "$0.log"\n')
        (place / "lint").chmod(0o755)


@pytest.mark.promise("merge-hooks")
@pytest.mark.parametrize("strategy", ["merge", "squash", "rebase"])
def test_hooks_find_what_is_installed_in_the_checkout(
    fleet: Fleet, repository: Path, strategy: str
) -> None:
    add_program(repository, "node_modules/.bin", ".venv/bin", "build")
    worker = add_worker(fleet, repository, {"a": "1"})
    hooks = repository / ".husky"
    hooks.mkdir()
    git(repository, "config", "core.hooksPath", ".husky")
    greedy = (
        "node_modules/.bin/lint && .venv/bin/lint && [ ! -e build ] && echo 2 > a && git add -A"
    )
    for name in ("pre-commit", "pre-merge-commit"):
        write_hook(repository, name, greedy)
        shutil.move(repository / ".git" / "hooks" / name, hooks / name)
    write_hook(repository, "commit-msg", 'node_modules/.bin/lint && echo seen >> "$1"; rm -rf *')
    shutil.move(repository / ".git" / "hooks" / "commit-msg", hooks / "commit-msg")

    fleet.merge(worker.id, MergeOptions(strategy))

    assert git(repository, "ls-tree", "-r", "--name-only", "main").split() == [
        ".gitignore",
        "README",
        "a",
    ]
    assert (repository / "a").read_text() == ("1" if strategy == "rebase" else "2\n")
    log = repository / "node_modules" / ".bin" / "lint.log"
    assert log.exists() is (strategy != "rebase")
    assert (repository / ".venv" / "bin" / "lint").exists()
    assert git(repository, "status", "--porcelain") == "?? .husky/"
    assert len(git(repository, "worktree", "list").splitlines()) == 2


@pytest.mark.promise("merge-hooks")
def test_a_hook_whose_program_is_missing_says_why_and_what_to_do(
    fleet: Fleet, repository: Path
) -> None:
    add_program(repository, "tools")
    worker = add_worker(fleet, repository, {"a": "1"})
    write_hook(repository, "commit-msg", "exec tools/lint")

    error = refused(fleet, worker)

    assert "commit-msg hook says no (exit code 127): a program that it needs is missing" in str(
        error
    )
    assert "The strategy rebase runs no hook before a commit; or merge by hand" in str(error)
    assert "tools/lint" in error.shown
    fleet.merge(worker.id, MergeOptions("rebase"))


@pytest.mark.parametrize("left", [[], ["loose file"]])
def test_a_branch_without_commits_is_nothing_to_merge(
    fleet: Fleet, repository: Path, left: list[str]
) -> None:
    worker = add_worker(fleet, repository)
    for name in left:
        Path(worker.path, name).touch()

    said = str(refused(fleet, worker))

    assert f"nothing to merge, for its branch {worker.branch} has no commits of its own" in said
    wanted = f"Not committed in {worker.path}: 'loose file'. Nudge it to commit"
    assert (wanted in said) is bool(left)
    assert fleet.worker(worker.id).merge is None


def test_of_a_branch_that_the_worker_renamed_the_new_name_is_said(
    fleet: Fleet, repository: Path
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    git(Path(worker.path), "branch", "-m", "feature/renamed")

    said = str(refused(fleet, worker))

    assert "is gone: its worktree is on feature/renamed" in said
    way_out = f"git branch -m {worker.branch}"
    assert f"in {worker.path}: {way_out}" in said
    git(Path(worker.path), *way_out.split()[1:])
    fleet.merge(worker.id, MergeOptions())


def test_of_a_worktree_that_is_no_more_only_the_branch_counts(
    fleet: Fleet, repository: Path
) -> None:
    worker = add_worker(fleet, repository, {"a": "1"})
    Path(worker.path, ".git").unlink()
    commit(repository, {"mine": "x"})
    (repository / "persons").touch()

    merged = fleet.merge(worker.id, MergeOptions())

    assert merged.notes == (
        f"{worker.path} is not its worktree any more: only its branch was looked at.",
    )


def test_drivers_and_attributes_are_those_of_git(fleet: Fleet, repository: Path) -> None:
    commit(repository, {".gitattributes": "README merge=ours\n"})
    git(repository, "config", "merge.ours.driver", "true")
    worker = add_worker(fleet, repository, {"README": "theirs\n", "a": "1"})
    commit(repository, {"README": "ours\n"})

    fleet.merge(worker.id, MergeOptions())

    assert (repository / "README").read_text() == "ours\n"


def test_a_submodule_that_the_worker_moved_is_merged(fleet: Fleet, repository: Path) -> None:
    shutil.copytree(repository, repository.parent / "inner")
    local = ("-c", "protocol.file.allow=always")
    git(repository, *local, "submodule", "--quiet", "add", "../inner", "sub")
    git(repository, "commit", "-q", "-m", "sub")
    moved = commit(repository.parent / "inner", {"x": "1"})
    worker = add_worker(fleet, repository)
    git(Path(worker.path), "update-index", "--cacheinfo", f"160000,{moved},sub")
    git(Path(worker.path), "commit", "-q", "-m", "move it")

    fleet.merge(worker.id, MergeOptions())

    # As after a merge by hand: the checkout of the submodule stays where it was.
    assert git(repository, "rev-parse", "main:sub") == moved
    assert git(repository, "status", "--porcelain") == "M sub"


@pytest.mark.parametrize("strategy", ["merge", "squash", "rebase"])
@pytest.mark.parametrize("kind", ["sha256", "shallow"])
def test_other_kinds_of_repositories(
    tmp_path: Path, tmux_socket: str, kind: str, strategy: str
) -> None:
    place = tmp_path / "other"
    source = tmp_path / "source"
    git(tmp_path, "init", "-q", *(["--object-format=sha256"] if kind == "sha256" else []), "source")
    for n in range(3):
        commit(source, {"README": f"{n}\n"})
    depth = ["--depth=1"] if kind == "shallow" else []
    git(tmp_path, "clone", "-q", *depth, f"file://{source}", "other")
    fleet = make_fleet(place, tmux_socket)
    worker = add_worker(fleet, place, {"a": "1"})
    commit(place, {"mine": "x"})

    fleet.merge(worker.id, MergeOptions(strategy, checks=["test -e a"]))

    assert git(place, "status", "--porcelain") == ""


def test_hunks_are_those_between_an_opening_and_its_end() -> None:
    content = (
        b"<<<<<<< a\nnever ends\n<<<<<<< ours\n1\n=======\n2\n>>>>>>> theirs\nrest\n>>>>>>> x\n"
    )
    assert list(merging._hunks(content)) == ["<<<<<<< ours\n1\n=======\n2\n>>>>>>> theirs"]
