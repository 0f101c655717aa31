"""A shell command as words and operators: enough to see what it obviously does.

Not a shell: what stands inside of double quotes is not looked into, and nothing is expanded but
`~`, `$HOME`, `$PWD` and other variables of the environment.
"""

import os
import re

_PARTS = re.compile(
    r"""(?P<blank>[ \t\r]+|\\\n|(?<![^\s;&|()])\#[^\n]*)
    |(?P<operator>&>>?|\d*(?:>>|>\||>&|<>|<<<|<<-?|<&|>|<)|\n|&&|\|&|\|\||;;|[;&|()])
    |(?P<word>(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s;&|()<>'"\\])+)
    |(?P<rest>.)""",
    re.VERBOSE | re.DOTALL,
)
_PIECES = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|(.)""", re.DOTALL)
_HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)([A-Za-z_][^\s'\"<>;&|()]*)\1")


class Word(str):
    """Text of the command, unquoted."""

    __slots__ = ()


class Operator(str):
    """What stands between words: `;`, `|`, `>`, a line's end."""

    __slots__ = ()


def split(command: str) -> list[Word | Operator]:
    """The command's words and operators, without comments and the texts of here-documents."""
    parts: list[Word | Operator] = []
    for found in _PARTS.finditer(_without_heredocs(command)):
        kind, text = found.lastgroup, found[0]
        if kind == "operator":
            parts.append(Operator(text))
        elif kind in ("word", "rest"):
            parts.append(Word(_unquoted(text)))
    return parts


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
