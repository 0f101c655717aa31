"""Removes worktrees and branches of workers, only ours and never through a link; recreates them
from snapshots.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import NamedTuple

from worker_manager.errors import WorktreeGone, WorktreeRefused
from worker_manager.worktrees import fresh, marks, own, plain, repositories, snapshots, trees
from worker_manager.worktrees.git import ask, attempt, known, names, run
from worker_manager.worktrees.named import commits
from worker_manager.worktrees.overview import Overview
from worker_manager.worktrees.own import Worktree
from worker_manager.worktrees.trees import HEADS

#: What is added to a worktree's name while it is being removed: killed then, it is half gone.
GOING = ".removed"
#: What is added, with a number, to the name of what lay where a worktree is made again.
FOUND = ".found-"
_SHA = ("rev-parse", "--verify", "--quiet")


class Tree(NamedTuple):
    """What exists of a worker's worktree and branch. `worktree` is None when it is gone; `gone`
    then says what is there instead. `admin` is git's own directory for it, which may outlive it.
    `tip` and `head` are the shas of the branch and of the worktree's HEAD; empty when there is
    none.
    """

    checkout: str
    path: str
    branch: str
    worktree: Worktree | None
    gone: str
    admin: str
    tip: str
    head: str

    @property
    def is_in_the_way(self) -> bool:
        """True if something else is at the worktree's path."""
        return self.worktree is None and os.path.lexists(self.path)


def find(seen: Overview, path: str, branch: str) -> Tree:
    """Returns what exists of a worker's worktree and branch. Raises WorktreeRefused when git does
    not say.
    """
    where = seen.directory
    admin = seen.admin(path)
    admin = admin if marks.is_marked(admin, branch) and marks.is_sound(admin) else ""
    worktree, gone = _standing(path, branch)
    tip, head = seen.tips.get(branch, ""), _head(where, admin)
    return Tree(where, path, branch, worktree, gone, admin, tip, head)


def forbidden(seen: Overview, tree: Tree) -> str:
    """Returns why the worktree must not be removed by anybody; empty when it may."""
    if tree.is_in_the_way:
        return tree.gone
    real = os.path.realpath(tree.path)
    places = seen.places
    elsewhere = [place for place in places if place.branch == tree.branch and place.path != real]
    if elsewhere:
        return f"its branch is checked out in {elsewhere[0].path}"
    locked = [place.locked for place in places if place.path == real and place.locked]
    if locked:
        return f"its worktree is locked ({locked[0]}): git worktree unlock {tree.path}"
    if tree.worktree is None:
        return ""
    inner = [
        place.path
        for place in places
        if Path(place.path).is_relative_to(real) and place.path != real
    ]
    inner += repositories.unsaved(tree.worktree.path)
    if inner:
        return f"another repository or worktree lies in it ({inner[0]}): move that away first"
    return ""


def keep_all(tree: Tree, ref: str, message: str) -> snapshots.Saved:
    """Saves branch, HEAD, uncommitted files, and the commits that only git's own directory of the
    worktree refers to (after a reset, amend or rebase), under `ref`. Raises WorktreeRefused.
    """
    tips = [tip for tip in dict.fromkeys([tree.tip, tree.head]) if tip]
    past = commits(tree.checkout, tree.branch, tree.admin, tips)
    if tree.worktree is not None:
        return snapshots.keep(tree.worktree, ref, message, [*tips, *past])
    if not tips:
        raise WorktreeRefused(f"neither the worktree {tree.path} nor its branch is there.")
    staged = {"GIT_INDEX_FILE": os.path.join(tree.admin, "index")} if tree.admin else {}
    whole = run(tree.checkout, "rev-parse", f"{tips[0]}^{{tree}}")
    if staged:
        index = snapshots.staged_tree(tree.checkout, staged)
        past.append(snapshots.commit(tree.checkout, index, tips[:1], "The index"))
    sha = snapshots.commit(tree.checkout, whole, [*tips, *past], message)
    run(tree.checkout, "update-ref", ref, sha)
    return snapshots.Saved(sha, ())


def set_aside(tree: Tree) -> Tree:
    """Renames the worktree before it is removed, so that nothing that somebody creates at its path
    is removed with it. Returns the tree with its new path. Raises WorktreeRefused or OSError.
    """
    going = tree.path + GOING
    if tree.worktree is None or tree.worktree.path == going:
        return tree
    if os.path.lexists(going):
        raise WorktreeRefused(f"{going} is in the way: move it somewhere else.")
    os.rename(tree.path, going)
    return tree._replace(worktree=_look(going, tree.branch))


def put_back(tree: Tree) -> None:
    """Moves a worktree that stays after all back to its path, unless something else is there
    now.
    """
    if tree.worktree is not None and not os.path.lexists(tree.path):
        os.rename(tree.worktree.path, tree.path)


def finish(tree: Tree) -> None:
    """Removes git's own directory, the branch, and the empty directory of a worktree whose files
    are deleted. Idempotent: killed in between, it can be called again. Raises WorktreeRefused or
    OSError.
    """
    if tree.admin:
        _forget(tree.admin, tree.branch)
    if tree.tip:
        run(tree.checkout, "update-ref", "-d", HEADS + tree.branch, tree.tip)
    going = Path(tree.path + GOING)
    if going.is_symlink() or not going.is_dir():
        return
    if [entry.name for entry in going.iterdir()] == [".git"] and marks.pointed_at(str(going)):
        os.unlink(going / ".git")
    try:
        os.rmdir(going)  # and nothing more
    except OSError as error:
        raise WorktreeRefused(
            f"{going} has something that came while it was removed: look at it, and move it."
        ) from error


def _forget(admin: str, branch: str) -> None:
    """Removes git's own directory of a worktree. `git worktree remove` would check the worktree's
    path, where something else may be by now. Raises WorktreeRefused.
    """
    if not marks.is_marked(admin, branch):
        raise WorktreeRefused(f"{admin} was not made for {branch}: nothing is removed there.")
    for entry in os.scandir(admin):
        # By these it is found again.
        if entry.name not in (marks.MARKER, "gitdir", "commondir"):
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry)
    shutil.rmtree(admin)
    with suppress(OSError):  # others have theirs in there
        os.rmdir(os.path.dirname(admin))


def commit_at(tree: Tree, name: str) -> str:
    """Returns the sha of a commit, or an empty text."""
    return attempt(tree.checkout, *_SHA, f"{name}^{{commit}}")


def branch_of(tree: Tree) -> str:
    """Returns the branch that HEAD is on, if it is not the worker's own; else an empty text."""
    ref = known(tree.checkout, f"--git-dir={tree.admin}", "symbolic-ref", "--quiet", "HEAD")
    branch = ref.removeprefix(HEADS)
    return "" if branch == tree.branch else branch


def is_half_gone(path: str) -> bool:
    """Returns True if a removal of the worktree at `path` was interrupted."""
    return os.path.lexists(path + GOING)


def is_to_be_replaced(tree: Tree) -> bool:
    """Returns True if the worktree must be recreated though git still has its index and reflog:
    call `keep_all` first.
    """
    lost = tree.worktree is None and bool(tree.admin)
    return lost and not _has_no_repository(Path(tree.path))


def bring_back(
    tree: Tree, ref: str, alone: Callable[[], AbstractContextManager[None]], *, is_whole: bool
) -> Worktree:
    """Recreates what is gone of branch and worktree, and restores the uncommitted files of the
    snapshot `ref`; moves aside what is at the path. When files are still there, they are kept, as
    they are newer, unless `ref` holds all of them (`is_whole`). `alone` is the lock held while git
    creates a worktree. Raises WorktreeRefused or OSError.
    """
    where = tree.checkout
    if ref and not tree.tip:
        run(where, "update-ref", HEADS + tree.branch, f"{ref}^1", "")
    if not (_stand_again(tree, alone) or is_whole):
        ref = ""
    worktree = _look(tree.path, tree.branch)
    if ref and (run(where, "ls-tree", ref) or run(worktree.path, "ls-files")):
        # Without the person's post-checkout hook, which this command runs, too.
        quiet = ("-c", f"core.hooksPath={os.devnull}", "restore", "--no-recurse-submodules")
        words = (*quiet, f"--source={ref}", "--worktree", "--", ":/")
        run(worktree.path, *words, environment=plain.PATTERNS)
        for name, sha in snapshots.as_on_disk(where, ref).items():
            _write_as_it_was(worktree, name, sha)
    return worktree


def fits(checkout: Path, branch: str, ref: str) -> bool:
    """Returns True if the snapshot was taken at the branch's present commit, or the branch is
    gone.
    """
    tip = known(str(checkout), *_SHA, HEADS + branch)
    saved = attempt(str(checkout), *_SHA, f"{ref}^1") if ref else ""
    return bool(saved) and tip in ("", saved)


def _standing(path: str, branch: str) -> tuple[Worktree | None, str]:
    gone = ""
    for place in (path, path + GOING):
        try:
            return _look(place, branch), ""
        except WorktreeGone as error:
            gone = gone or error.text
    return None, gone


def _look(place: str, branch: str) -> Worktree:
    """`own.look` for a worktree that was renamed: corrects its own `core.worktree` setting first,
    if there is one.
    """
    try:
        return own.look(place, branch)
    except WorktreeGone:
        if not own.stands(place, branch):
            raise
        fresh.require_registered(Path(place))
        return own.look(place, branch)


def _head(checkout: str, admin: str) -> str:
    """Returns the sha of the worktree's HEAD, even when its files are gone."""
    return known(checkout, f"--git-dir={admin}", *_SHA, "HEAD") if admin else ""


def _stand_again(tree: Tree, alone: Callable[[], AbstractContextManager[None]]) -> bool:
    """Recreates the directory. Returns True if its files had to be written, too."""
    if tree.worktree is not None and tree.worktree.path == tree.path:
        return False
    path = Path(tree.path)
    if tree.worktree is not None:  # its removal was cut off
        _move_aside(path)
        os.rename(tree.worktree.path, path)
        return False
    if tree.admin and _has_no_repository(path):
        return _point_at(path, tree.admin)
    _move_aside(path)
    with alone():
        trees.reopen(Path(tree.checkout), path, tree.branch)
    return True


def _point_at(path: Path, admin: str) -> bool:
    """Writes the `.git` file that points to git's own directory, and checks the files out when
    there are none. Returns True if it did.
    """
    if not path.is_dir():
        _move_aside(path)
    path.mkdir(parents=True, exist_ok=True)
    with open(path / ".git", "xb") as file:
        file.write(b"gitdir: " + os.fsencode(admin) + b"\n")
    where = str(path)
    if any(os.path.lexists(path / name) for name in names(where, "ls-files", "-z")):
        return False
    run(where, "checkout-index", "--all", environment={"GIT_LFS_SKIP_SMUDGE": "1"})
    return True


def newest_aside(path: str) -> str:
    """Returns the path of what was moved aside last; empty when nothing was."""
    return next(
        (str(aside) for aside in reversed(_asides(Path(path))) if os.path.lexists(aside)), ""
    )


def _has_no_repository(path: Path) -> bool:
    return not path.is_symlink() and not os.path.lexists(path / ".git")


def _move_aside(path: Path) -> None:
    """Moves away what is at the path, unchanged; a worktree is registered at its new path."""
    if not os.path.lexists(path):
        return
    aside = next(place for place in _asides(path) if not os.path.lexists(place))
    os.rename(path, aside)
    admin = marks.pointed_at(str(aside))
    if marks.is_sound(admin) and os.path.isfile(os.path.join(admin, "gitdir")):
        run(str(aside), "worktree", "repair", str(aside))  # else git looks for it where ours goes


def _asides(path: Path) -> list[Path]:
    return [path.with_name(f"{path.name}{FOUND}{number}") for number in range(1, 100)]


def _write_as_it_was(worktree: Worktree, name: str, sha: str) -> None:
    """Writes the original bytes of a file that git would change; only over a file just restored."""
    file = os.path.join(worktree.path, name)
    if os.path.isfile(file) and not os.path.islink(file):
        content = os.fsencode(ask(worktree.path, "cat-file", "blob", sha).text)
        with open(file, "r+b") as opened:
            opened.truncate()
            opened.write(content)
