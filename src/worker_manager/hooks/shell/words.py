"""A shell command as words and operators: enough to see what it obviously does.

Not a shell: only `substituted` looks into double quotes, and nothing is expanded but
`~`, `$HOME`, `$PWD` and other variables of the environment.
"""

import os
import re
from collections.abc import Iterator

_PARTS = re.compile(
    r"""(?P<blank>[ \t\r]+|\\\n|(?<![^\s;&|()])\#[^\n]*)
    |(?P<operator>&>>?|\d*(?:>>|>\||>&|<>|<<<|<<-?|<&|>|<)|\n|&&|\|&|\|\||;;|[;&|()`])
    |(?P<word>(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s;&|()<>'"\\`])+)
    |(?P<rest>.)""",
    re.VERBOSE | re.DOTALL,
)
_PIECES = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|(.)""", re.DOTALL)
#: Arithmetic runs nothing.
_SUBSTITUTION = re.compile(r"\\.|\$\(\(|\$\(|`", re.DOTALL)
_HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)([A-Za-z_][^\s'\"<>;&|()]*)\1")


class Word(str):
    """Text of the command, unquoted."""

    __slots__ = ()


class Operator(str):
    """What stands between words: `;`, `|`, `>`, a line's end."""

    __slots__ = ()


def split(command: str) -> list[Word | Operator]:
    """The command's words and operators, without comments and the texts of here-documents. What
    stands between backticks is in parentheses, as `$(...)` is.
    """
    parts: list[Word | Operator] = []
    is_inside = False
    for found in _PARTS.finditer(_without_heredocs(command)):
        kind, text = found.lastgroup, found[0]
        if text == "`":
            is_inside = not is_inside
            parts.append(Operator("(" if is_inside else ")"))
        elif kind == "operator":
            parts.append(Operator(text))
        elif kind in ("word", "rest"):
            parts.append(Word(_unquoted(text)))
    return parts


def substituted(command: str) -> Iterator[str]:
    """The commands whose output stands inside of double quotes, and those inside of these."""
    for found in _PARTS.finditer(_without_heredocs(command)):
        if found.lastgroup == "word" and '"' in found[0]:
            for inner in _substituted_in("".join(map(_still_quoted, _PIECES.findall(found[0])))):
                yield inner
                yield from substituted(inner)


def _still_quoted(pieces: tuple[str, ...]) -> str:
    """A piece of a word, in which nothing is run but what the shell would run."""
    single, double, escaped, plain = pieces
    if single:
        return "'" + re.sub("[$`()]", "_", single) + "'"
    return f"\\{escaped}" if escaped else double + plain


def _substituted_in(text: str) -> Iterator[str]:
    end = 0
    for found in _SUBSTITUTION.finditer(text):
        if found.start() < end or found[0] not in ("$(", "`"):
            continue
        end = _end_of_substitution(text, found)
        yield text[found.end() : end]
        end += 1


def _end_of_substitution(text: str, begin: re.Match[str]) -> int:
    """Where the closing backtick or parenthesis is, or the text ends."""
    if begin[0] == "`":
        closing = text.find("`", begin.end())
        return len(text) if closing < 0 else closing
    depth = 1
    for position in range(begin.end(), len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if not depth:
            return position
    return len(text)


def expanded(word: str, cwd: str) -> str:
    """The absolute path that a word names."""
    text = re.sub(r"\$(?:PWD\b|\{PWD\})", lambda _: cwd, word)
    return os.path.join(cwd, os.path.expandvars(os.path.expanduser(text)))


def _unquoted(text: str) -> str:
    return "".join("".join(pieces) for pieces in _PIECES.findall(text))


def _without_heredocs(command: str) -> str:
    kept: list[str] = []
    awaited: list[str] = []
    for line in command.split("\n"):
        if awaited:
            if line.strip("\t") == awaited[0]:
                awaited.pop(0)
            continue
        kept.append(line)
        # `<<<` is a here-string, which has no lines of its own.
        awaited = [found[2] for found in _HEREDOC.finditer(line.replace("<<<", "< "))]
    return "\n".join(kept)
