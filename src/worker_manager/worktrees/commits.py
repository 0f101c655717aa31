"""Making a commit as the person's own git would: with their hooks, signed where they sign."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees.git import ask, attempt, run

#: A program that signs may wait for a passphrase; nobody can type one here.
SIGN_SECONDS = 120
HOOK_SECONDS = 300
#: Hooks that git runs for a commit of that kind before its message is asked for.
HOOKS = {"merge": "pre-merge-commit", "squash": "pre-commit"}
_MESSAGE_HOOKS = ("prepare-commit-msg", "commit-msg")


def signing(directory: str) -> tuple[str, ...]:
    """The option that signs a commit, when commit.gpgsign is set."""
    is_set = attempt(directory, "config", "--type=bool", "--get", "commit.gpgsign") == "true"
    return ("-S",) if is_set else ()


def make(directory: str, kind: str, tree: str, parents: Sequence[str], message: str) -> str:
    """A commit of the kind `merge` or `squash`; gives its sha. Raises WorktreeRefused with what the
    hook said that refuses it.
    """
    hooks = run(directory, "rev-parse", "--path-format=absolute", "--git-path", "hooks")
    if any(_is_program(os.path.join(hooks, name)) for name in (HOOKS[kind], *_MESSAGE_HOOKS)):
        with _laid_out(directory, parents[0], tree) as place:
            _run_hook(place, hooks, HOOKS[kind])
            tree = run(place, "write-tree")  # it may have put files right
            message = _edited(place, hooks, kind, message)
    return _commit(directory, tree, parents, message)


def _commit(directory: str, tree: str, parents: Sequence[str], message: str) -> str:
    options = [word for parent in parents for word in ("-p", parent)]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="replace") as file:
        file.write(message)
        file.flush()
        words = ("commit-tree", *signing(directory), tree, *options, "-F", file.name)
        return run(directory, *words, seconds=SIGN_SECONDS)


@contextmanager
def _laid_out(directory: str, head: str, tree: str) -> Iterator[str]:
    """A worktree of a moment's, in which hooks find what is to be committed: in the person's own
    they would find, and might change, something else.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(os.path.realpath(folder), "merge")
        add = ("worktree", "add", "--quiet", "--detach", "--no-checkout", "--", place, head)
        run(directory, *add)
        try:
            run(place, "read-tree", "--reset", "-u", tree)
            yield place
        finally:
            run(directory, "worktree", "remove", "--force", "--", place)


def _edited(place: str, hooks: str, kind: str, message: str) -> str:
    """The message, as the hooks want it."""
    file = Path(run(place, "rev-parse", "--path-format=absolute", "--git-path", "MERGE_MSG"))
    file.write_text(message, "utf-8", errors="replace")
    _run_hook(place, hooks, "prepare-commit-msg", str(file), kind)
    _run_hook(place, hooks, "commit-msg", str(file))
    return file.read_text("utf-8", errors="replace")


def _run_hook(place: str, hooks: str, name: str, *arguments: str) -> None:
    # Those of the person's checkout, where some tools keep them beside the files of the project.
    words = (
        "-c",
        f"core.hooksPath={hooks}",
        "hook",
        "run",
        "--ignore-missing",
        name,
        "--",
        *arguments,
    )
    said = ask(place, *words, seconds=HOOK_SECONDS)
    if said.code:
        lines = [*said.text.splitlines(), *said.error.splitlines()][-20:]
        raise WorktreeRefused(
            f"the repository's {name} hook says no (exit code {said.code})", "\n".join(lines)
        )


def _is_program(path: str) -> bool:
    return os.access(path, os.X_OK) and os.path.isfile(path)
