"""What a shell command obviously writes. Not everything that it could: a program may write
wherever it likes, which is why the checkout is looked at again when its worker completes.
"""

import os
import re
from collections.abc import Iterator

from worker_manager.hooks.shell.words import Operator, Word, expanded, split


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Programs that change nothing where they run.
_READERS = _words(
    "[ awk base64 basename cat cd cksum cmp column comm cut date df diff dirname du echo env "
    "export expr false file find fold getconf grep egrep fgrep gawk head hexdump hostname id jq "
    "less ls md5sum more nl od paste pgrep popd printf ps pushd pwd read readlink realpath rev rg "
    "sed seq set sha1sum sha256sum shasum sleep sort stat strings tac tail test time tr tree true "
    "tty type uname uniq unset wait wc whereis which whoami xxd yes"
)
#: Of git: what changes no file of a working tree and no branch that is checked out.
_GIT_READERS = _words(
    "annotate blame branch cat-file check-attr check-ignore count-objects describe diff diff-tree "
    "fetch for-each-ref format-patch fsck grep help log ls-files ls-remote ls-tree merge-base "
    "merge-tree name-rev range-diff reflog remote rev-list rev-parse shortlog show show-ref "
    "status symbolic-ref tag var version whatchanged"
)
_GIT_HARMLESS = {
    ("stash", "list"),
    ("stash", "show"),
    ("worktree", "list"),
    ("worktree", "repair"),
}
#: Of the readers: what changes nothing of the repository either, whatever its words are; what does
#: not as long as it only lists.
_GIT_LOOKERS = _GIT_READERS - _words(
    "branch fetch format-patch merge-tree reflog remote symbolic-ref tag"
)
_GIT_LISTERS = _words("branch reflog remote stash tag worktree")
#: Programs whose every argument is written, or only the last one.
_WRITERS = _words("chgrp chmod chown mkdir mv rmdir shred tee touch truncate")
_COPIERS = _words("cp install ln rsync scp")
#: Words before the program of a command.
_PREFIXES = _words(
    "! builtin command do elif else env exec if nice nohup stdbuf sudo then time timeout until "
    "while xargs {"
)
#: Words after which there is no program.
_NO_PROGRAM = _words("case done esac fi for function in select }")
_SHELLS = _words("bash dash ksh sh zsh")
#: Programs that go somewhere with -C before they do anything.
_GOING = _words("git gmake make ninja tar")
_SEPARATORS = frozenset(("\n", "&&", "|&", "||", ";;", ";", "&", "|", "(", ")"))


def written(command: str, cwd: str) -> Iterator[str]:
    """Absolute paths that it writes: files, and directories in which a program runs that is not
    known to only read.
    """
    for targets, name, arguments, place in steps(command, cwd):
        yield from targets
        if name:
            yield from _by(name, arguments, place)


def stashes(command: str, cwd: str) -> Iterator[str]:
    """Directories in which it puts something into git's stash, or takes something from it."""
    for place, action in gits(command, cwd):
        if action[:1] == ["stash"] and not _is_own_stash(action[1:]):
            yield place


def gits(command: str, cwd: str) -> Iterator[tuple[str, list[str]]]:
    """Each call of git: the directory in which it runs, and its first words, without options."""
    for _, name, arguments, place in steps(command, cwd):
        if name == "git":
            yield (
                place,
                plain_words(take_options(arguments, "-c", "--work-tree", "--git-dir")[1])[:3],
            )


def repositories_changed(command: str, cwd: str) -> Iterator[str]:
    """Directories in which it has git do what is not known to change nothing, not even a branch."""
    for place, action in gits(command, cwd):
        name, *words = action or ["help"]
        is_list = name in _GIT_LISTERS and (words[:1] in ([], ["list"], ["show"]))
        if name not in _GIT_LOOKERS and not (is_list and action != ["stash"]):
            yield place


def _is_own_stash(words: list[str]) -> bool:
    """Whether it only looks, or applies a commit that the worker made and names."""
    if words[:1] == ["apply"]:
        return len(words) > 1 and re.fullmatch("[0-9a-f]{7,64}", words[1]) is not None
    return bool(words) and words[0] in ("list", "show", "create")


def steps(command: str, cwd: str) -> Iterator[tuple[list[str], str, list[str], str]]:
    """Each simple command: the paths that its output goes to, its program or nothing, its
    arguments, and where it runs.
    """
    outside: list[str] = []  # where the shells around a subshell are
    for words, targets, end in _commands(command):
        paths = [expanded(target, cwd) for target in targets]
        name, *arguments = _program(words) or [""]
        if name in ("cd", "pushd"):
            yield paths, "", [], cwd
            cwd = _there(arguments, cwd)
        elif name in _SHELLS and "-c" in arguments[:-1]:
            yield paths, "", [], cwd
            yield from steps(arguments[arguments.index("-c") + 1], cwd)
        else:
            yield paths, name, *_gone(name, arguments, cwd)
        if end == "(":
            outside.append(cwd)
        elif end == ")" and outside:
            cwd = outside.pop()


def _commands(command: str) -> Iterator[tuple[list[str], list[str], str]]:
    """Each simple command: its words, what its output goes to, and the operator behind it."""
    words: list[str] = []
    targets: list[str] = []
    redirects = ""
    for part in [*split(command), Operator("\n")]:
        if isinstance(part, Operator) and part in _SEPARATORS:
            yield words, targets, part
            words, targets, redirects = [], [], ""
        elif isinstance(part, Operator):
            redirects = part
        elif redirects:
            # `2>&1` names no file.
            if ">" in redirects and not (redirects.endswith("&") and _is_descriptor(part)):
                targets.append(part)
            redirects = ""
        else:
            words.append(part)


def _is_descriptor(word: Word) -> bool:
    return word.isdigit() or word == "-"


def _program(words: list[str]) -> list[str]:
    """The program's name and its arguments, without what may stand before them."""
    for position, word in enumerate(words):
        if word in _NO_PROGRAM:
            return []
        if not _stands_before(word) or (word == "env" and len(words) == position + 1):
            return [os.path.basename(word), *words[position + 1 :]]
    return []


def _stands_before(word: str) -> bool:
    is_assignment = "=" in word and word.partition("=")[0].isidentifier()
    is_duration = word[:1].isdigit()  # `timeout 60 make`, `nice -n 10 make`
    return word in _PREFIXES or is_assignment or is_duration or word.startswith("-")


def _there(arguments: list[str], cwd: str) -> str:
    """Where `cd` goes."""
    named = plain_words(arguments)
    if not named:
        return cwd if arguments else os.path.expanduser("~")
    return expanded(named[0], cwd)


def _gone(name: str, arguments: list[str], cwd: str) -> tuple[list[str], str]:
    """The arguments, and where the program goes before it looks at them."""
    goals, rest = take_options(arguments, "-C") if name in _GOING else ([], arguments)
    for goal in goals:
        cwd = expanded(goal, cwd)
    return rest, cwd


def _by(name: str, arguments: list[str], cwd: str) -> Iterator[str]:
    """What one program writes."""
    if name in ("rm", "unlink"):
        yield from (_entry(expanded(word, cwd)) for word in plain_words(arguments) or ["."])
    elif name in _WRITERS or _edits(name, arguments):
        yield from (expanded(word, cwd) for word in plain_words(arguments) or ["."])
    elif name in _COPIERS:
        goals, rest = take_options(arguments, "-t", "--target-directory")
        yield from (expanded(word, cwd) for word in goals or plain_words(rest)[-1:])
    elif name == "dd":
        yield from (expanded(word, cwd) for word in take_options(arguments, "of")[0])
    elif name == "git":
        yield from _by_git(arguments, cwd)
    elif name not in _READERS:
        yield cwd


def _entry(path: str) -> str:
    """What removing a path changes: of a link the directory that it stands in, not what it leads
    to.
    """
    return os.path.dirname(path) if os.path.islink(path) else path


def _edits(name: str, arguments: list[str]) -> bool:
    """Whether a program that mostly reads changes the files it is given."""
    if name in ("sed", "perl", "ruby"):
        return any(re.match(r"-\w{0,2}i|--in-place", word) for word in arguments)
    return name == "find" and not {"-delete", "-exec", "-execdir"}.isdisjoint(arguments)


def _by_git(arguments: list[str], cwd: str) -> Iterator[str]:
    places, rest = take_options(arguments, "--work-tree", "--git-dir")
    action = plain_words(take_options(rest, "-c")[1])[:2]
    if not action or action[0] in _GIT_READERS or tuple(action) in _GIT_HARMLESS:
        return
    yield from (expanded(place, cwd) for place in places or [cwd])


def plain_words(arguments: list[str]) -> list[str]:
    """Returns the arguments that are no options."""
    return [word for word in arguments if not word.startswith("-")]


def take_options(arguments: list[str], *options: str) -> tuple[list[str], list[str]]:
    """The values of some options, and the other arguments."""
    values, rest = [], []
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name in options:
            values.append(value if equals else next(words, ""))
        else:
            rest.append(word)
    return values, rest
