"""Questions to the person at the terminal."""

from __future__ import annotations

import sys
import termios
from contextlib import suppress

import click


def can_ask() -> bool:
    """Returns True if stdin and stdout are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def line(prompt: str) -> str:
    """Reads a line and returns it stripped; empty at ^D. Raises KeyboardInterrupt at ^C."""
    import readline  # noqa: F401  so that what is typed can be edited

    _forget_typed()
    try:
        return input(f"{prompt} ").strip()
    except EOFError:
        click.echo()
        return ""


def choice(prompt: str, choices: dict[str, str]) -> str:
    """Asks until the answer is a choice (`{"a": "allow"}`), by word or letter, and returns its
    word; the last at ^D or an empty answer.
    """
    shown = ", ".join(f"[{key}]{word.removeprefix(key)}" for key, word in choices.items())
    while True:
        typed = line(f"{prompt} {shown}:").casefold()
        for key, word in choices.items():
            if typed in (key, word):
                return word
        if not typed:
            return list(choices.values())[-1]
        click.echo(f"{typed[:40]!r} is none of them.")


def _forget_typed() -> None:
    """Drops what was typed before the question was visible: it is no answer to it."""
    with suppress(termios.error, OSError, ValueError):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
