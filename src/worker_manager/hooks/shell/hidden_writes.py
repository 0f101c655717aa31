"""What programs that mostly read write all the same, by an option or by their own language. Where
it can't be told, it counts as a write: this is asked for workers that only read.
"""

import re
from collections.abc import Callable

from worker_manager.hooks.shell.writes import plain_words, steps, take_options

#: In a sed script: addresses, and substitutions without their flags.
_SED_TEXTS = re.compile(
    r"\\(.)(?:\\.|(?!\1)[^\\])*\1|/(?:\\.|[^/\\])*/"
    r"|s([^\w\s])(?:\\.|(?!\2)[^\\])*\2(?:\\.|(?!\2)[^\\])*\2",
    re.DOTALL,
)
_GIT_OPTIONS = ("--output", "--open-files-in-pager", "--upload-pack", "--exec", "--ext-diff")


def has_hidden_write(command: str, cwd: str) -> bool:
    """Whether one of its programs is known to read, and is told to write or to run something."""
    return any(_CHECKS[name](words) for _, name, words, _ in steps(command, cwd) if name in _CHECKS)


def _git(words: list[str]) -> bool:
    first = next((at for at, word in enumerate(words) if not word.startswith("-")), len(words))
    before = any(
        word in ("-c", "--config-env", "--exec-path") for word in map(_stem, words[:first])
    )
    return before or any(word.startswith("-O") or _is_short_for(word) for word in words)


def _is_short_for(word: str) -> bool:
    """git takes the beginning of a long option for it."""
    return len(_stem(word)) > 3 and any(one.startswith(_stem(word)) for one in _GIT_OPTIONS)


def _sort(words: list[str]) -> bool:
    return _has(words, r"-[a-zA-Z]*o|--o|--compress")


def _find(words: list[str]) -> bool:
    return _has(words, "-fprint|-fls|-ok")


def _tree(words: list[str]) -> bool:
    return _has(words, r"-[a-zA-Z]*o")


def _ripgrep(words: list[str]) -> bool:
    return _has(words, "--(pre|hostname-bin)(=|$)")


def _xxd(words: list[str]) -> bool:
    return _has(words, "-r") or _is_second_named(words, "-c", "-g", "-l", "-n", "-o", "-s")


def _uniq(words: list[str]) -> bool:
    return _is_second_named(words, "-f", "-s", "-w")


def _sed(words: list[str]) -> bool:
    if _has(words, r"-[nErsuz]*f|--file"):
        return True
    scripts, rest = take_options(words, "-e", "-ne", "--expression")
    scripts = scripts or [*(word for word in rest if word.startswith("-e")), *plain_words(rest)][:1]
    return any(
        re.search("[weW]", _SED_TEXTS.sub("", script.removeprefix("-e"))) for script in scripts
    )


def _awk(words: list[str]) -> bool:
    rest = take_options(words, "-F", "-v")[1]
    if any(word.startswith("-") and not re.match("-[Fv]|-?-$", word) for word in rest):
        return True  # gawk has many that write or load
    script = "".join(plain_words(rest)[:1])
    return re.search(r"[>|@]|system", re.sub(r">=|\|\|", "", script)) is not None


def _has(words: list[str], pattern: str) -> bool:
    return any(re.match(pattern, word) for word in words)


def _is_second_named(words: list[str], *options: str) -> bool:
    """Whether there is a second file, into which it goes."""
    return len(plain_words(take_options(words, *options)[1])) > 1


def _stem(word: str) -> str:
    return word.partition("=")[0]


_CHECKS: dict[str, Callable[[list[str]], bool]] = {
    "awk": _awk,
    "find": _find,
    "gawk": _awk,
    "git": _git,
    "rg": _ripgrep,
    "sed": _sed,
    "sort": _sort,
    "tree": _tree,
    "uniq": _uniq,
    "xxd": _xxd,
}
