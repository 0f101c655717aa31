"""Making a commit as the person's own git would: with their hooks, signed where they sign."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from worker_manager.errors import WorktreeRefused
from worker_manager.worktrees.git import ask, attempt, names, run

#: A program that signs may wait for a passphrase; nobody can type one here.
SIGN_SECONDS = 120
HOOK_SECONDS = 300
#: Hooks that git runs for a commit of that kind before its message is asked for.
HOOKS = {"merge": "pre-merge-commit", "squash": "pre-commit"}
#: What hooks find of that which git ignores in the person's checkout: programs and libraries. Not
#: what was built: a hook would put there what it makes of a merge that may be refused.
INSTALLED = ("node_modules", ".venv", "venv", "vendor")
_NOT_FOUND = (
    ": a program that it needs is missing where it runs. That is a worktree of a moment's, in "
    f"which of what git ignores only {', '.join(INSTALLED)} of your checkout are found. The "
    "strategy rebase runs no hook before a commit; or merge by hand"
)
_MESSAGE_HOOKS = ("prepare-commit-msg", "commit-msg")


def is_signing(directory: str) -> bool:
    """Whether the person's commits are signed."""
    return attempt(directory, "config", "--type=bool", "--get", "commit.gpgsign") == "true"


def make(
    directory: str, kind: str, tree: str, parents: Sequence[str], message: str, lender: str = ""
) -> str:
    """Creates a commit of the kind `merge` or `squash` and returns its sha. Hooks find links to the
    INSTALLED directories of the checkout `lender`. Raises WorktreeRefused with the output of a hook
    that refuses.
    """
    hooks = run(directory, "rev-parse", "--path-format=absolute", "--git-path", "hooks")
    if any(_is_program(os.path.join(hooks, name)) for name in (HOOKS[kind], *_MESSAGE_HOOKS)):
        with _laid_out(directory, parents[0], tree) as place:
            lent = _lend(lender, place) if lender else []
            _run_hook(place, hooks, HOOKS[kind])
            if (
                lent
            ):  # `git add --all` takes the links along: no pattern for a directory is for them
                run(place, "rm", "--cached", "-r", "--quiet", "--ignore-unmatch", "--", *lent)
            tree = run(place, "write-tree")  # it may have put files right
            message = _edited(place, hooks, kind, message)
    return _commit(directory, tree, parents, message)


def recommit(directory: str, sha: str, tree: str, parent: str, *, is_signed: bool) -> str:
    """Creates a copy of a commit with another tree and parent, and returns its sha. Author, date
    and message are kept byte for byte, in the commit's encoding; its signatures are dropped, a new
    one is made if `is_signed`. Raises WorktreeRefused.
    """
    head, _, message = run(directory, "cat-file", "commit", sha, is_whole=True).partition("\n\n")
    lines = dict(line.partition(" ")[::2] for line in head.split("\n") if line[:1] != " ")
    author, encoding = lines["author"], lines.get("encoding", "")
    if is_signed:
        return _recommit_signed(directory, tree, parent, author, encoding, message)
    committer = _in(encoding, run(directory, "var", "GIT_COMMITTER_IDENT"))
    facts = [f"tree {tree}", f"parent {parent}", f"author {author}", f"committer {committer}"]
    facts += [f"encoding {encoding}"] if encoding else []
    words = ("hash-object", "-t", "commit", "-w", "--stdin")
    return run(directory, *words, stdin="\n".join([*facts, "", message]))


def _recommit_signed(
    directory: str, tree: str, parent: str, author: str, encoding: str, message: str
) -> str:
    """`recommit` by `git commit-tree`, which alone can sign, and which normalizes the author."""
    who, _, when = author.rpartition("> ")
    name, _, mail = who.partition(" <")
    said = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_AUTHOR_DATE": f"@{when}"}
    words = ("-c", f"i18n.commitEncoding={encoding or 'UTF-8'}", "commit-tree", "-S", tree)
    more = ("-p", parent, "-F", "-")
    return run(directory, *words, *more, environment=said, stdin=message, seconds=SIGN_SECONDS)


def _in(encoding: str, text: str) -> str:
    """Returns the text in that encoding, decoded as git's output is; unchanged when that is
    impossible.
    """
    try:
        return os.fsdecode(text.encode(encoding)) if encoding else text
    except (LookupError, UnicodeError):
        return text


def run_post_merge_hook(checkout: str, why: str) -> str:
    """Runs the post-merge hook of a checkout as git does. Returns a note when it failed or did not
    end within HOOK_SECONDS, else an empty text: the merge is done in any case.
    """
    words = ("hook", "run", "--ignore-missing", "post-merge", "--", "0")
    named = {"GIT_REFLOG_ACTION": why}
    try:
        said = ask(checkout, *words, seconds=HOOK_SECONDS, environment=named)
    except WorktreeRefused:
        return f"The post-merge hook did not end within {HOOK_SECONDS:g} s, and was ended."
    if not said.code:
        return ""
    told = " ".join(f"{said.text}\n{said.error}".split())[-300:]
    return f"The post-merge hook failed (exit code {said.code}): {told or 'it said nothing'}"


def _commit(directory: str, tree: str, parents: Sequence[str], message: str) -> str:
    sign = ("-S",) if is_signing(directory) else ()
    options = [word for parent in parents for word in ("-p", parent)]
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="replace") as file:
        file.write(message)
        file.flush()
        # What is written here is in no other encoding, whatever the person writes theirs in.
        words = ("-c", "i18n.commitEncoding=UTF-8", "commit-tree", tree, *sign)
        return run(directory, *words, *options, "-F", file.name, seconds=SIGN_SECONDS)


@contextmanager
def _laid_out(directory: str, head: str, tree: str) -> Iterator[str]:
    """Makes a temporary worktree with the files to be committed, for hooks: in the person's
    checkout they would see, and might change, other files.
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


def _lend(lender: str, place: str) -> list[str]:
    """Links the INSTALLED directories that git ignores in a checkout into `place`. Returns their
    names.
    """
    listed = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
    lent = []
    for name in (entry.rstrip("/") for entry in names(lender, *listed) if entry.endswith("/")):
        link = os.path.join(place, name)
        is_wanted = os.path.basename(name) in INSTALLED and not os.path.lexists(link)
        if is_wanted and os.path.isdir(os.path.dirname(link)):
            os.symlink(os.path.join(lender, name), link)
            lent.append(name)
    return lent


def _edited(place: str, hooks: str, kind: str, message: str) -> str:
    """Returns the message after the hooks that may edit it. Raises WorktreeRefused when one
    refuses.
    """
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
            f"the repository's {name} hook says no (exit code {said.code})"
            + (_NOT_FOUND if said.code in (126, 127) else ""),
            "\n".join(lines),
        )


def _is_program(path: str) -> bool:
    return os.access(path, os.X_OK) and os.path.isfile(path)
