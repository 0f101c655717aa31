"""What lies in a repository: encodings, names, line ends, filters, flags; how it stands."""

from __future__ import annotations

import os
import unicodedata

from tests.foreign import deeds
from tests.foreign.place import LINES, Place, git, program, write
from tests.foreign.rows import Row, ground

MERGES = ("merge", "squash", "rebase")


def crlf_that_git_calls_changed(place: Place) -> None:
    """Committed with CR, and an attribute since that wants none."""
    place.write("w.txt", b"a\r\nb\r\n")
    git(place.repository, "-c", "core.autocrlf=false", "add", "w.txt")
    git(place.repository, "commit", "-qm", "with CR")
    place.write(".gitattributes", "*.txt text\n")
    place.commit(".gitattributes")


def autocrlf(place: Place) -> None:
    """As on Windows: each file is checked out with CR."""
    place.set("core.autocrlf", "true")


def eol_crlf(place: Place) -> None:
    """By an attribute."""
    place.write(".gitattributes", "* text=auto eol=crlf\n")
    place.commit(".gitattributes")


def with_crlf(hand: deeds.Hand) -> None:
    """A worker that writes CR."""
    hand.write("crlf.txt", b"a\r\nb\r\n")
    hand.commit()


def bom_and_utf16(place: Place) -> None:
    """A file with a BOM; one that git keeps as UTF-8 and shows as UTF-16."""
    place.write("bom.txt", b"\xef\xbb\xbfwith a BOM\n")
    place.write(".gitattributes", "*.rc working-tree-encoding=UTF-16LE-BOM text eol=lf\n")
    place.write("wide.rc", "\ufeffwide\n".encode("utf-16-le"))
    place.commit(".gitattributes", "bom.txt", "wide.rc")
    place.blobs = lambda data: [data, data.decode("utf-16", "replace").encode("utf-8", "replace")]


def utf16(hand: deeds.Hand) -> None:
    """A worker that writes such a file."""
    hand.write("other.rc", "\ufeffother\n".encode("utf-16-le"))
    hand.commit()


def latin1(place: Place) -> None:
    """Names, contents, ignore rules, commit messages and an author in Latin-1."""
    place.set("i18n.commitEncoding", "ISO-8859-1")
    place.write(b"M\xe4rz.txt", b"Bl\xf6d\n")
    place.write(".gitignore", b"*.log\n# M\xfcll\nignored/\nnode_modules/\nm\xfcll/\n")
    place.commit(os.fsdecode(b"M\xe4rz.txt"), ".gitignore")
    git(place.repository, "commit", "-q", "--allow-empty", "-m", os.fsdecode(b"M\xe4rz"))


def odd_names(place: Place) -> None:
    """Newline, quotes, a leading dash, decomposed letters."""
    decomposed = unicodedata.normalize("NFD", "Zoë.txt")
    for name in ("new\nline", 'quo"te', "-dash", "sp ace", "tab\t", decomposed, "Zoë.txt", "*"):
        place.write(f"odd/{name}", f"{name!r}\n")
    place.commit("odd")


def empty_commits_and_files(place: Place) -> None:
    """A commit without a change, a file without a byte, a commit without a message."""
    place.write("empty", "")
    place.commit("empty")
    none = ("--allow-empty", "--allow-empty-message", "-m", "")
    git(place.repository, "commit", "-q", *none)


def links_and_a_socket(place: Place) -> None:
    """A link to a directory, one to nowhere, one out of the repository."""
    for name, to in (("to-deep", "deep"), ("to-nowhere", "no/where"), ("to-root", "/")):
        (place.repository / name).symlink_to(to)
        git(place.repository, "add", name)
    git(place.repository, "commit", "-qm", "links")


def filter_that_strips(place: Place) -> None:
    """A clean filter that leaves out what a notebook has shown."""
    place.set("filter.strip.clean", "sed -e '/^output/d'")
    place.write(".gitattributes", "*.nb filter=strip\n")
    place.commit(".gitattributes")


def notebook(hand: deeds.Hand) -> None:
    """A notebook with an output, committed: the output is only on the disk."""
    deeds.usual(hand)
    hand.write("work.nb", "code\noutput 42\n")
    hand.git("add", "--all")
    hand.git("commit", "-q", "-m", "notebook")
    hand.beside_git.add("work.nb")


def notebook_removed(hand: deeds.Hand) -> None:
    """What kept it is moved away."""
    for path in hand.tree.glob("*.nb"):
        path.rename(hand.place.folder / path.name)


def smudge_that_fails(place: Place) -> None:
    """Large files whose program is not installed, and that are not required."""
    place.set("filter.gone.smudge", "no-such-program %f")
    place.set("filter.gone.clean", "cat")
    place.write("large.bin", "pointer\n")
    place.write(".gitattributes", "*.bin filter=gone\n")
    place.commit(".gitattributes", "large.bin")


def filter_like_lfs(place: Place) -> None:
    """Contents lie beside, git has pointers to them."""
    store = place.folder / "large"
    store.mkdir()
    clean = program(
        store / "clean",
        f'd=$(mktemp); cat >$d; s=$(sha1sum <$d | cut -c1-40); mv $d {store}/$s; echo "pointer $s"',
    )
    smudge = program(store / "smudge", f"read _ s; cat {store}/$s")
    place.set("filter.like.clean", str(clean))
    place.set("filter.like.smudge", str(smudge))
    place.set("filter.like.required", "true")
    place.write(".gitattributes", "*.big filter=like\n")
    place.write("old.big", "a large one\n")
    place.commit(".gitattributes", "old.big")


def ident_and_export(place: Place) -> None:
    """`$Id$` is filled in, a file has a merge driver of its own."""
    place.write(".gitattributes", "*.id ident\nfile.txt merge=union\n")
    place.write("some.id", "$Id$\n")
    place.commit(".gitattributes", "some.id")


def flagged_assume(place: Place) -> None:
    """The person's own change to a file that git was told not to look at."""
    git(place.repository, "update-index", "--assume-unchanged", "file.txt")
    place.write("file.txt", LINES + "LOCAL\n")


def flagged_skip(place: Place) -> None:
    """The same with the other flag."""
    git(place.repository, "update-index", "--skip-worktree", "file.txt")
    place.write("file.txt", LINES + "LOCAL\n")


def flagged_elsewhere(place: Place) -> None:
    """Flags on a file that no worker touches."""
    git(place.repository, "update-index", "--skip-worktree", "README")
    place.write("README", "LOCAL\n")


def announced(place: Place) -> None:
    """`git add -N`."""
    place.write("announced.txt", "the person's\n")
    git(place.repository, "add", "--intent-to-add", "announced.txt")


def dirty(place: Place) -> None:
    """Staged, changed after that, changed, deleted, new, made a program."""
    place.write("README", "staged\n")
    git(place.repository, "add", "README")
    place.write("README", "staged, then changed\n")
    (place.repository / "deep" / "er" / "inner.txt").unlink()
    (place.repository / "run.sh").chmod(0o644)
    place.write("new.txt", "new\n")


def dirty_in_the_way(place: Place) -> None:
    """A change to the file that the worker changes, too."""
    place.write("file.txt", LINES + "the person's\n")


def untracked_in_the_way(place: Place) -> None:
    """An untracked file where the worker adds one."""
    place.write("tool.sh", "the person's\n")


def ignored_in_the_way(place: Place) -> None:
    """An ignored file where the worker adds one."""
    place.write(".gitignore", "*.log\nignored/\nnode_modules/\ntool.sh\n")
    place.commit(".gitignore")
    place.write("tool.sh", "the person's, ignored\n")


def forced_past_ignore(hand: deeds.Hand) -> None:
    """A worker that adds an ignored file."""
    hand.write("tool.sh", "the worker's\n")
    hand.git("add", "--force", "tool.sh")
    hand.commit_staged()


def in_a_rebase(place: Place) -> None:
    """The person rebases the branch, and has stopped at a conflict."""
    git(place.repository, "checkout", "-q", "-b", "topic", "v1")
    place.write("README", "topic\n")
    place.commit("README")
    git(place.repository, "checkout", "-q", "main")
    place.write("README", "main\n")
    place.commit("README")
    git(place.repository, "checkout", "-q", "topic")
    git(place.repository, "rebase", "-q", "main", ok=(1,))
    place.write("README", "half resolved\n")


def in_a_merge(place: Place) -> None:
    """The person merges, and has stopped at a conflict."""
    git(place.repository, "checkout", "-q", "-b", "topic", "v1")
    place.write("README", "topic\n")
    place.commit("README")
    git(place.repository, "checkout", "-q", "main")
    place.write("README", "main\n")
    place.commit("README")
    git(place.repository, "merge", "-q", "topic", ok=(1,))
    place.write("README", "half resolved\n")


def in_a_bisect(place: Place) -> None:
    """The person looks for a fault; HEAD is detached."""
    for number in range(4):
        place.write("count", f"{number}\n")
        place.commit("count")
    for words in (("start",), ("bad",), ("good", "v1")):
        git(place.repository, "bisect", *words)


def in_a_cherry_pick(place: Place) -> None:
    """A pick that has stopped at a conflict."""
    git(place.repository, "checkout", "-q", "-b", "topic", "v1")
    place.write("README", "topic\n")
    place.commit("README")
    git(place.repository, "checkout", "-q", "main")
    place.write("README", "main\n")
    place.commit("README")
    git(place.repository, "cherry-pick", "topic", ok=(1,))


def detached(place: Place) -> None:
    """HEAD is at a commit."""
    git(place.repository, "checkout", "-q", "--detach")


def unborn(place: Place) -> None:
    """An orphan branch without a commit."""
    git(place.repository, "checkout", "-q", "--orphan", "new-start")


def into_a_topic(place: Place) -> None:
    """A branch that is checked out nowhere."""
    git(place.repository, "branch", "topic")


def worktree_on_a_missing_disk(place: Place) -> None:
    """A worktree of the person's on a disk that is not there, and one that is locked."""
    for name in ("missing", "locked"):
        path = place.folder / name
        git(place.repository, "worktree", "add", "-q", "-b", name, str(path))
    git(place.repository, "worktree", "lock", "--reason", "a disk", str(place.folder / "locked"))
    (place.folder / "missing").rename(place.folder / "elsewhere")
    place.checkouts.append(place.folder / "locked")


def nested_repositories(place: Place) -> None:
    """Repositories of the person's that git ignores, or that are untracked."""
    for name in ("ignored/one", "node_modules/two", "three"):
        inner = place.repository / name
        inner.mkdir(parents=True)
        git(inner, "init", "-q")
        write(inner, "inside.txt", "inside\n")


def behind_its_upstream(place: Place) -> None:
    """The branch has an upstream that has gone on."""
    bare = place.folder / "upstream.git"
    git(place.folder, "clone", "-q", "--bare", str(place.repository), str(bare))
    git(place.repository, "remote", "add", "origin", str(bare))
    git(place.repository, "fetch", "-q", "origin")
    git(place.repository, "branch", "-q", "-u", "origin/main")
    git(place.repository, "reset", "-q", "--keep", "HEAD~1")
    place.gits.append(bare)


def grafted(place: Place) -> None:
    """A commit is replaced by another, by a ref of the person's."""
    git(place.repository, "replace", "--graft", "HEAD")


def several_stashes(place: Place) -> None:
    """More stash entries, one of them with untracked files."""
    place.write("README", "second entry\n")
    git(place.repository, "stash", "-q")
    place.write("to-stash.txt", "third entry\n")
    git(place.repository, "stash", "-q", "-u", "-m", "third")
    place.write("mine.txt", "the person's, untracked\n")


def read_only_files(place: Place) -> None:
    """Files and a directory that may not be written."""
    (place.repository / "README").chmod(0o444)
    (place.repository / "deep" / "er").chmod(0o555)


ROWS: tuple[Row, ...] = (
    ground(crlf_that_git_calls_changed, "attributes"),
    ground(autocrlf, "line ends"),
    ground(eol_crlf, "attributes", "early", early=with_crlf),
    ground(bom_and_utf16, "attributes", "blobs", "early", early=utf16),
    ground(latin1, "encoding", "early", early=deeds.latin1_names),
    ground(odd_names, "names of files", "early", early=deeds.odd_names),
    ground(empty_commits_and_files, "empty"),
    ground(links_and_a_socket, "links"),
    ground(
        filter_that_strips,
        "attributes",
        "early",
        early=notebook,
        way_out=notebook_removed,
        refuses={"clean": "work.nb"},
    ),
    ground(smudge_that_fails, "attributes"),
    ground(filter_like_lfs, "attributes"),
    ground(ident_and_export, "attributes"),
    ground(flagged_assume, "flags", refuses=dict.fromkeys(MERGES, r"file\.txt")),
    ground(flagged_skip, "flags", refuses=dict.fromkeys(MERGES, r"file\.txt")),
    ground(flagged_elsewhere, "flags"),
    ground(announced, "dirty"),
    ground(dirty, "dirty"),
    ground(dirty_in_the_way, "dirty", refuses=dict.fromkeys(MERGES, r"file\.txt.*Commit or stash")),
    ground(untracked_in_the_way, "dirty", refuses=dict.fromkeys(MERGES, r"tool\.sh")),
    ground(
        ignored_in_the_way,
        "dirty",
        "early",
        early=forced_past_ignore,
        refuses=dict.fromkeys(MERGES, r"tool\.sh"),
    ),
    ground(in_a_rebase, "state", refuses=dict.fromkeys(MERGES, "rebase|no local branch")),
    ground(in_a_merge, "state", refuses=dict.fromkeys(MERGES, "merge|MERGE_HEAD")),
    ground(
        in_a_cherry_pick,
        "state",
        refuses=dict.fromkeys(MERGES, "cherry-pick|conflict|README|resolve"),
    ),
    ground(in_a_bisect, "state", refuses=dict.fromkeys(MERGES, "no local branch")),
    ground(detached, "state", refuses=dict.fromkeys(MERGES, "no local branch.*Name one with into")),
    ground(unborn, "state", refuses={"start": "no commits yet"}),
    Row("into a topic branch", (into_a_topic,), into="topic", takes=frozenset({"into"})),
    Row("base @", (), base="@", takes=frozenset({"base"})),
    Row("base HEAD~0", (), base="HEAD~0", takes=frozenset({"base"})),
    Row("base refs/heads/main", (), base="refs/heads/main", takes=frozenset({"base"})),
    Row(
        "base a tag",
        (),
        base="v1",
        takes=frozenset({"base"}),
        early=deeds.past_hooks,
        refuses=dict.fromkeys(MERGES, "no local branch 'v1'"),
    ),
    Row(
        "worktree.directory .",
        (),
        settings={"worktree_directory": "."},
        takes=frozenset({"directory"}),
        refuses={"start": r"worktree_directory is '\.'"},
    ),
    Row(
        "worktree.directory .git/x",
        (),
        settings={"worktree_directory": ".git/x"},
        takes=frozenset({"directory"}),
        refuses={"start": r"worktree_directory is '\.git/x'"},
    ),
    ground(worktree_on_a_missing_disk, "worktrees"),
    ground(nested_repositories, "nested"),
    ground(behind_its_upstream, "upstream"),
    ground(grafted, "graft"),
    ground(several_stashes, "stash"),
    ground(read_only_files, "modes"),
)
