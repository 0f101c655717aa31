"""What a shell command is seen to write. Real shells say whether that is true."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker_manager.hooks.shell.words import Word, split
from worker_manager.hooks.shell.writes import stashes, written

HERE, MAIN = "/repo/.worktrees/w", "/repo"


def seen(command: str) -> list[str]:
    """What it writes in MAIN, from HERE."""
    paths = [os.path.normpath(path) for path in written(command, HERE)]
    return [path for path in paths if not path.startswith(HERE) and path.startswith(MAIN)]


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        ("echo x > /repo/a", ["/repo/a"]),
        ("echo x >>../../a 2>&1", ["/repo/a"]),
        ("make 2>/repo/log", ["/repo/log"]),
        ("make &> /repo/log", ["/repo/log"]),
        ("cat <<'EOF' > /repo/a\nit's > /repo/b\nEOF\ntouch /repo/c", ["/repo/a", "/repo/c"]),
        ("cat <<-E1 <<E2 >/repo/a\n\trm /repo/x\n\tE1\nrm /repo/y\nE2\n", ["/repo/a"]),
        ("ls | tee '/repo/a b'", ["/repo/a b"]),
        ("cp a b /repo/src/", ["/repo/src"]),
        ("cp -t /repo a b", ["/repo"]),
        ("install --target-directory=/repo a", ["/repo"]),
        ("mv /repo/a .", ["/repo/a"]),
        ("rm -rf /repo/a $PWD/../../b", ["/repo/a", "/repo/b"]),
        ("FOO=1 timeout 10 sudo -n rm /repo/a", ["/repo/a"]),
        ("sed -i.bak s/a/b/ /repo/a", ["/repo/a"]),
        ("sed --in-place=.bak s/a/b/ /repo/a", ["/repo/a"]),
        ("perl -pi -e s/a/b/ /repo/a", ["/repo/a"]),
        ("dd if=x of=/repo/a", ["/repo/a"]),
        ("find /repo -name '*.pyc' -delete", ["/repo"]),
        ("git -C /repo commit -am x", ["/repo"]),
        ("git -c a.b=c -C /repo checkout main", ["/repo"]),
        ("git --git-dir=/repo/.git --work-tree /repo reset --hard", ["/repo", "/repo/.git"]),
        ("cd /repo && make", ["/repo"]),
        ("cd /repo/src; git add .", ["/repo/src"]),
        ("(cd /repo && npm install) && ls", ["/repo"]),
        ("make -C /repo all", ["/repo"]),
        ("if true; then rm /repo/a; fi", ["/repo/a"]),
        ("bash -ec 'rm /repo/x' || bash -c 'cd /repo; rm a'", ["/repo/a"]),
        ("cd /repo && git ls-files | xargs rm", ["/repo"]),
    ],
)
def test_what_is_written_is_seen(command: str, paths: list[str]) -> None:
    assert sorted(seen(command)) == sorted(paths)


@pytest.mark.parametrize(
    "command",
    [
        "cat /repo/a",
        "cp /repo/a .",
        "grep '>' /repo/a",
        'echo "> /repo/a"',
        "echo \\> /repo/a",
        "echo x # > /repo/a",
        "diff /repo/a a > out 2>&1",
        "make < /repo/a",
        "git -C /repo log --oneline",
        "git -C /repo worktree list",
        "git diff main -- a > patch",
        "cd /repo && git status && ls -l && sed -n 1p a",
        "(cd /repo; cat a) && make",
        "find /repo -name a",
        "cd /repo && cd - && ls; true",
        "python3 -c 'print(1)'",
        "for f in /repo/*; do cat $f; done",
        "env",
        "env A=1 make",
        "'unterminated",
        "",
    ],
)
def test_what_is_only_read_is_left_alone(command: str) -> None:
    assert seen(command) == []


NAMES = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=20)


def is_kept(name: str) -> bool:
    """Whether a shell makes a plain file of that name here."""
    is_plain = name not in (".", "..") and not name.startswith(("-", "~")) and "$" not in name
    return is_plain and len(os.fsencode(name)) <= 200


@given(st.lists(NAMES.filter(lambda name: not name.startswith("-")), min_size=1, max_size=4))
def test_quoted_words_are_what_the_shell_makes_of_them(words: list[str]) -> None:
    parts = split(shlex.join(words))

    assert parts == words
    assert all(isinstance(part, Word) for part in parts)


@settings(max_examples=4)
@given(names=st.lists(NAMES.filter(is_kept), min_size=10, max_size=30, unique=True))
def test_the_file_that_a_shell_writes_is_the_one_that_is_seen(
    tmp_path: Path, names: list[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    commands = {f"echo {number} > {shlex.quote(name)}" for number, name in enumerate(names)}
    # One shell for all: to start one takes longer than the rest.
    subprocess.run(["sh", "-s"], input="\n".join(commands).encode(), cwd=folder, check=True)
    made = {f"echo {file.read_text('ascii').strip()} > ": file for file in folder.iterdir()}
    for file in made.values():
        file.unlink()

    assert len(made) == len(commands)
    for command in commands:
        (begin,) = (one for one in made if command.startswith(one))
        assert list(written(command, str(folder))) == [str(made[begin])]


@given(st.text(max_size=200))
def test_no_command_is_too_strange(command: str) -> None:
    assert all(os.path.isabs(path) for path in written(command, HERE))


@pytest.mark.parametrize(
    ("command", "places"),
    [
        ("git stash", [HERE]),
        ("git stash -u && make; git stash pop", [HERE, HERE]),
        ("cd sub && git stash push -m x -- a", [f"{HERE}/sub"]),
        ("git -c a.b=c stash save x", [HERE]),
        ("git -C /repo stash drop stash@{1}", ["/repo"]),
        ("bash -c 'git stash apply'", [HERE]),
        ("git stash apply stash@{0}; git stash clear; git stash branch x", [HERE] * 3),
        ("git stash store $(git stash create)", [HERE]),
        ("git stash list; git stash show -p; sha=$(git stash create)", []),
        ("git stash create && git stash apply 1234567", []),
        ("git commit -m stash; echo git stash; grep stash a", []),
    ],
)
def test_it_is_seen_where_the_stash_is_used(command: str, places: list[str]) -> None:
    assert [os.path.normpath(one) for one in stashes(command, HERE)] == places
