"""What a worker does in its worktree, by plain git, in the worker's name."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from tests.foreign.place import LINES, Place, git, write
from worker_manager.domain.worker import Worker


@dataclass
class Hand:
    """A worker's hand. What it wrote is never to be lost: `contents` by label; of these
    `committed` are in its branch, `set_aside` were taken back by itself, `beside_git` can't be
    kept by git as they are: only the file has them.
    """

    place: Place
    worker: Worker
    contents: dict[str, bytes] = field(default_factory=dict)
    committed: set[str] = field(default_factory=set)
    set_aside: set[str] = field(default_factory=set)
    beside_git: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    @property
    def tree(self) -> Path:
        """Its worktree."""
        return Path(self.worker.path)

    def write(self, name: str, data: str | bytes, label: str = "") -> None:
        """A file that may not be lost."""
        path = write(self.tree, name, data)
        self.contents[label or name] = path.read_bytes()
        self.names.add(name)

    def git(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
        """Its own call of git."""
        return git(self.tree, *arguments, ok=ok)

    def commit(self, *labels: str, hooks: bool = True, message: str = "work") -> str:
        """What lies there; gives the commit. `labels` are of what it holds, else all so far."""
        self.git("add", "--all")
        return self.commit_staged(*labels, hooks=hooks, message=message)

    def commit_staged(self, *labels: str, hooks: bool = True, message: str = "work") -> str:
        """What is staged."""
        without = [] if hooks else ["-c", "core.hooksPath=/dev/null"]
        self.git(*without, "commit", "-q", "-m", message)
        self.committed |= set(labels or self.contents)
        return self.git("rev-parse", "HEAD")


def nothing(_: Hand) -> None:
    """Not a thing."""


def usual(hand: Hand) -> None:
    """A file is changed, one added, one made a program; two commits."""
    hand.write("file.txt", LINES.replace("line 3\n", "line three\n"))
    hand.git("add", "file.txt")
    hand.commit_staged(message="Change a line\n\nWith a body.")
    hand.write("added/new file.txt", "new\n")
    hand.write("tool.sh", "#!/bin/sh\necho tool\n")
    (hand.tree / "tool.sh").chmod(0o755)
    hand.git("add", "--sparse", "added", "tool.sh")
    hand.commit_staged(message="Add two files")


def past_hooks(hand: Hand) -> None:
    """One commit that asks no hook."""
    hand.write("added.txt", "new\n")
    hand.git("add", "added.txt")
    hand.commit_staged(hooks=False)


def commit_fails(hand: Hand) -> None:
    """It tries to commit, is refused, and goes on as if nothing were the matter."""
    hand.write("added.txt", "new\n")
    hand.git("add", "added.txt")
    hand.git("commit", "-q", "-m", "work", ok=(0, 1, 128))


def loose(hand: Hand) -> None:
    """What no commit holds: changed, staged and changed again, staged, new, a link, a mode."""
    hand.write("README", "hello\nnot committed\n")
    hand.write("staged.txt", "staged first\n", "staged first")
    hand.git("add", "staged.txt")
    hand.write("staged.txt", "staged, then changed\n", "staged, then changed")
    hand.write("un/tracked.txt", "untracked\n")
    if not (hand.tree / "link").is_symlink():
        (hand.tree / "link").symlink_to("nowhere")


def odd_names(hand: Hand) -> None:
    """Names that shells, git's options and its quotes take for something else."""
    for number, name in enumerate(
        ("-leading", 'quo"te', "new\nline", " space ", "ta\tb", "back\\slash", ":(top)x", "é")
    ):
        hand.write(name, f"odd {number}\n")
    hand.commit()


def latin1_names(hand: Hand) -> None:
    """A name and a content that are no UTF-8, one committed, one changed later."""
    hand.write(os.fsdecode(b"caf\xe9.txt"), b"caf\xe9\n")
    hand.write("latin1.txt", b"Bl\xf6dsinn\n")
    hand.commit(message="Add caf\xe9")


def reset_away(hand: Hand) -> None:
    """A commit that only its reflog names any more, then the usual."""
    hand.write("lost.txt", "thrown away\n")
    hand.commit("lost.txt")
    hand.git("reset", "-q", "--hard", "HEAD~1")
    hand.set_aside.add("lost.txt")
    usual(hand)


def amended(hand: Hand) -> None:
    """A commit that it has written again with another content."""
    hand.write("file.txt", LINES.replace("line 9", "line nine, first"), "first try")
    hand.git("commit", "-q", "-am", "work")
    hand.set_aside.add("first try")
    hand.write("file.txt", LINES.replace("line 9", "line nine"))
    hand.git("commit", "-q", "-a", "--amend", "-m", "work")
    hand.committed.add("file.txt")


def has_merged_main(hand: Hand) -> None:
    """It has merged the branch that it came from, which had gone on."""
    hand.place.write("went-on.txt", "the person goes on\n")
    hand.place.commit("went-on.txt")
    usual(hand)
    hand.git("merge", "-q", "--no-edit", hand.place.branch)


def branch_renamed(hand: Hand) -> None:
    """It has taken another name for its branch."""
    usual(hand)
    hand.git("branch", "-m", "feature/renamed")


def branch_deleted_detached(hand: Hand) -> None:
    """It stands at commits of its own, and its branch is gone."""
    hand.git("checkout", "-q", "--detach")
    usual(hand)
    hand.git("branch", "-D", "-q", hand.worker.branch)


def detached(hand: Hand) -> None:
    """It has committed beside its branch."""
    usual(hand)
    hand.git("checkout", "-q", "--detach")
    hand.write("beside.txt", "beside\n")
    hand.commit("beside.txt")
    hand.committed.discard("beside.txt")


def stashed(hand: Hand) -> None:
    """It has put something on the stash that all worktrees share."""
    usual(hand)
    hand.write("README", "hello\nstashed by the worker\n", "stashed")
    hand.git("stash", "-q")
    hand.set_aside.add("stashed")


def empty(_: Hand) -> None:
    """It has done nothing."""


def assume_unchanged(hand: Hand) -> None:
    """git is told not to look at a file, which is changed then."""
    hand.git("update-index", "--assume-unchanged", "run.sh")
    hand.write("run.sh", "a setting of its own\n", "flagged")


def skip_worktree(hand: Hand) -> None:
    """The same with the other flag."""
    hand.git("update-index", "--skip-worktree", "run.sh")
    hand.write("run.sh", "a setting of its own\n", "flagged")


def intent_to_add(hand: Hand) -> None:
    """A file that is only announced."""
    hand.write("announced.txt", "announced\n")
    hand.git("add", "--intent-to-add", "announced.txt")


def autostash(hand: Hand) -> None:
    """In the midst of a rebase that has put the loose changes aside."""
    hand.write("run.sh", "put aside by git\n", "autostash")
    environ = "sed -i -e '1s/^/break\\n/'"
    hand.git("-c", f"sequence.editor={environ}", "rebase", "-q", "-i", "--autostash", "HEAD~1")
    assert "autostash" in os.listdir(admin(hand) / "rebase-merge")


def in_a_merge(hand: Hand) -> None:
    """In the midst of a merge with a conflict."""
    usual(hand)
    hand.git("checkout", "-q", "-b", "side-of-a-worker", "HEAD~1")
    hand.write("run.sh", "side\n", "side")
    hand.git("commit", "-q", "-am", "side")
    hand.git("checkout", "-q", hand.worker.branch)
    hand.write("run.sh", "here\n", "here")
    hand.git("commit", "-q", "-am", "here")
    hand.committed.add("here")
    hand.set_aside.add("side")
    hand.git("merge", "-q", "side-of-a-worker", ok=(1,))
    hand.names.add("run.sh")


def git_file_gone(hand: Hand) -> None:
    """`rm -rf .git`, as a template says; and a file that is precious."""
    hand.write("precious.txt", "precious\n")
    (hand.tree / ".git").unlink()


def git_file_back(hand: Hand) -> None:
    """The file by which git finds the worktree is written again."""
    inner = hand.tree / ".git"
    if inner.is_dir():
        inner.rename(hand.place.folder / "moved.git")
    if hand.tree.is_dir() and not inner.exists():
        inner.write_text(f"gitdir: {admin(hand)}\n", "utf-8")


def made_anew(hand: Hand) -> None:
    """`rm -rf .git && git init`, and a commit there."""
    git_file_gone(hand)
    hand.git("init", "-q")
    hand.git("add", "--all")
    hand.git("commit", "-q", "--no-verify", "-m", "anew")


def made_anew_without_branch(hand: Hand) -> None:
    """The same, and its branch is deleted in the repository."""
    made_anew(hand)
    git(hand.place.repository, "update-ref", "-d", f"refs/heads/{hand.worker.branch}")


def replaced_by_a_link(hand: Hand) -> None:
    """Another repository stands in its place, by a link; its own lies beside."""
    other = hand.place.folder / "other-repository"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    write(other, "others.txt", "of another repository\n")
    git(other, "add", ".")
    git(other, "commit", "-q", "--no-verify", "-m", "others")
    write(other, "loose.txt", "loose in another repository\n")
    hand.tree.rename(hand.place.folder / "aside")
    hand.tree.symlink_to(other)
    hand.place.gits.append(other / ".git")


def link_removed(hand: Hand) -> None:
    """The link is taken away, its own comes back."""
    if hand.tree.is_symlink():
        hand.tree.unlink()
        (hand.place.folder / "aside").rename(hand.tree)


def emptied(hand: Hand) -> None:
    """`rm -rf *`: not what begins with a dot."""
    _throw_away(hand)
    for one in hand.tree.glob("[!.]*"):
        git_rm(one)


def emptied_wholly(hand: Hand) -> None:
    """The file by which git finds it, too."""
    _throw_away(hand)
    for one in hand.tree.iterdir():
        git_rm(one)


def _throw_away(hand: Hand) -> None:
    """What no commit holds is gone by its own doing."""
    for label in {*hand.contents} - hand.committed - hand.set_aside:
        del hand.contents[label]


def git_rm(path: Path) -> None:
    """As `rm -rf`."""
    if path.is_dir() and not path.is_symlink():
        for one in path.iterdir():
            git_rm(one)
        path.rmdir()
    else:
        path.unlink()


def removed(hand: Hand) -> None:
    """Its directory is gone, git still knows it."""
    _throw_away(hand)
    git_rm(hand.tree)


def removed_by_git(hand: Hand) -> None:
    """As a person tidies up."""
    _throw_away(hand)
    git(hand.place.repository, "worktree", "remove", "--force", str(hand.tree))


def removed_with_its_branch(hand: Hand) -> None:
    """As a person tidies up who does not need it any more."""
    removed_by_git(hand)
    git(hand.place.repository, "branch", "-q", "-D", hand.worker.branch)
    hand.contents.clear()


def cache_made(hand: Hand) -> None:
    """A program that goes on makes its cache where a worktree was."""
    write(hand.tree, ".cache/state", "a cache\n")


def remade_by_a_watcher(hand: Hand) -> None:
    """Removed, and a program that goes on makes its cache again."""
    removed_by_git(hand)
    cache_made(hand)


def cache_removed(hand: Hand) -> None:
    """The person takes away what that program has made, where it was or where we moved it."""
    for one in hand.tree.parent.glob(f"{hand.tree.name}*"):
        if not (one / ".git").exists():
            git_rm(one)


def moved(hand: Hand) -> None:
    """Moved by `mv`: git does not know."""
    hand.tree.rename(hand.place.folder / "moved-away")


def moved_back(hand: Hand) -> None:
    """It lies where it lay."""
    if not hand.tree.exists():
        (hand.place.folder / "moved-away").rename(hand.tree)


def moved_by_git(hand: Hand) -> None:
    """Moved by `git worktree move`: git knows."""
    git(hand.place.repository, "worktree", "move", str(hand.tree), str(hand.place.folder / "away"))


def moved_back_by_git(hand: Hand) -> None:
    """The same, back."""
    if not hand.tree.exists():
        there = str(hand.place.folder / "away")
        git(hand.place.repository, "worktree", "move", there, str(hand.tree))


def in_conflict(hand: Hand) -> None:
    """It and the person change the same line, and name a file alike that is no UTF-8."""
    name = os.fsdecode(b"both-\xe9.txt")
    hand.place.write("file.txt", LINES.replace("line 3\n", "line of the person\n"))
    hand.place.write(name, b"the person's \xe9\n")
    hand.place.commit("file.txt", name)
    usual(hand)
    hand.write(name, b"the worker's \xe8\n")
    hand.git("add", "--all")
    hand.commit_staged()


def locked(hand: Hand) -> None:
    """As for a disk that is taken out."""
    git(hand.place.repository, "worktree", "lock", "--reason", "MINE", str(hand.tree))


def unlocked(hand: Hand) -> None:
    """The lock is taken away."""
    git(hand.place.repository, "worktree", "unlock", str(hand.tree), ok=(0, 128))


def nested_repository(hand: Hand) -> None:
    """A repository that git ignores lies in it."""
    inner = hand.tree / "ignored" / "inner"
    inner.mkdir(parents=True)
    git(inner, "init", "-q")
    write(inner, "theirs.txt", "in a repository within\n")


def read_only_directory(hand: Hand) -> None:
    """As the caches of some tools are."""
    hand.write("locked/file.txt", "in a read-only directory\n")
    (hand.tree / "locked").chmod(stat.S_IRUSR | stat.S_IXUSR)


def merge_taken_back(hand: Hand) -> None:
    """The person takes the merge back by hand."""
    git(hand.place.repository, "reset", "-q", "--keep", "HEAD~1")
    hand.committed.clear()


def topic_deleted(hand: Hand) -> None:
    """The person deletes the branch that it was merged into."""
    git(hand.place.repository, "branch", "-D", "-q", "topic")


def admin(hand: Hand) -> Path:
    """git's own directory of the worktree."""
    for file in (hand.place.common / "worktrees").glob("*/gitdir"):
        if Path(os.fsdecode(file.read_bytes().strip())).parent.name == hand.tree.name:
            return file.parent
    raise AssertionError(f"git knows no worktree at {hand.tree}")
