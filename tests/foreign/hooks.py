"""Hooks of a person that fail, are slow, or need what git ignores."""

from __future__ import annotations

import os

from tests.foreign import deeds
from tests.foreign.place import Place, program
from tests.foreign.rows import Row, ground

MERGES = ("merge", "squash", "rebase")


def _hook(name: str, text: str, why: str, **more: object) -> Row:
    def change(place: Place) -> None:
        place.hook(name, text)

    takes = frozenset({f"hook {name}", *more.pop("takes", ())})  # type: ignore[call-overload]
    return Row(f"{name} {why}", (change,), takes=takes, **more)  # type: ignore[arg-type]


def husky(place: Place) -> None:
    """Hooks that lie in the checkout and run what is installed in an ignored directory."""
    program(place.repository / ".husky" / "commit-msg", 'node_modules/.bin/commitlint "$1"')
    program(place.repository / ".husky" / "pre-commit", "node_modules/.bin/lint-staged")
    place.commit(".husky")
    place.set("core.hooksPath", ".husky")
    for name in ("commitlint", "lint-staged"):
        program(place.repository / "node_modules" / ".bin" / name, "exit 0")


def husky_not_installed(place: Place) -> None:
    """Each hook sources a file that only an install makes."""
    for name in ("post-checkout", "post-merge"):
        program(place.repository / ".husky" / name, '. "$(dirname "$0")/_/husky.sh"')
    place.commit(".husky")
    place.set("core.hooksPath", ".husky")


def hooks_path_absolute(place: Place) -> None:
    """One directory of hooks for all repositories of a person."""
    hooks = place.folder / "all hooks"
    program(hooks / "pre-commit", "test -e file.txt")
    place.set("core.hooksPath", str(hooks))


def hooks_that_write(place: Place) -> None:
    """A pre-commit that puts files right, as formatters do."""
    text = "for f in $(git diff --cached --name-only -- '*.txt'); do git add -- \"$f\"; done"
    place.hook("pre-commit", text)


def main_is_locked(place: Place) -> None:
    """A killed git has left the lock of the branch."""
    (place.common / "refs" / "heads" / "main.lock").touch()


def hooks_that_are_no_programs(place: Place) -> None:
    """Not executable; a link to nowhere."""
    hooks = place.common / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n", "utf-8")
    os.symlink("/no/such/hook", hooks / "pre-merge-commit")


_GUARD = 'test "$1" != prepared || ! grep -q " refs/heads/main$"'

ROWS: tuple[Row, ...] = (
    _hook("post-checkout", "echo NO; exit 1", "fails"),
    _hook("post-checkout", "sleep 0.3", "is slow"),
    _hook("post-merge", "exit 1", "fails"),
    _hook("post-merge", "sleep 5", "outlasts the limit", limit_seconds=3),
    _hook("post-commit", "exit 1", "fails"),
    _hook("post-index-change", "exit 1", "fails"),
    _hook(
        "pre-commit",
        "echo NOT SO; exit 1",
        "fails",
        early=deeds.past_hooks,
        takes=("early",),
        refuses={"squash": "pre-commit hook says no.*\n?.*NOT SO"},
    ),
    _hook(
        "pre-commit",
        "exit 1",
        "fails, and the worker goes on",
        early=deeds.commit_fails,
        takes=("early",),
        refuses=dict.fromkeys(MERGES, "nothing"),
    ),
    _hook(
        "commit-msg",
        "exit 1",
        "fails",
        early=deeds.past_hooks,
        takes=("early",),
        refuses={"merge": "commit-msg hook says no", "squash": "commit-msg hook says no"},
    ),
    _hook("commit-msg", 'echo "Signed-off: x" >>"$1"', "adds a line"),
    _hook(
        "prepare-commit-msg",
        "exit 1",
        "fails",
        early=deeds.past_hooks,
        takes=("early",),
        refuses={
            "merge": "prepare-commit-msg hook says no",
            "squash": "prepare-commit-msg hook says no",
        },
    ),
    _hook(
        "pre-merge-commit", "exit 1", "fails", refuses={"merge": "pre-merge-commit hook says no"}
    ),
    _hook("pre-rebase", "exit 1", "fails"),
    _hook(
        "reference-transaction", _GUARD, "guards main", refuses=dict.fromkeys(MERGES, "hook|main")
    ),
    _hook("reference-transaction", "sleep 0.02", "is slow"),
    ground(husky, "hooks path", early=deeds.past_hooks),
    ground(husky_not_installed, "hooks path"),
    ground(hooks_path_absolute, "hooks path"),
    ground(hooks_that_write, "hook pre-commit"),
    ground(hooks_that_are_no_programs, "hook pre-commit", "hook pre-merge-commit"),
    ground(main_is_locked, "lock", refuses=dict.fromkeys(MERGES, "main")),
)
