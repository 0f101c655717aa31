"""Questions to the person at the terminal."""

from __future__ import annotations

import sys
import termios
from contextlib import suppress

import click


def can_ask() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def line(prompt: str) -> str:
    """What is typed, without blanks around; empty at ^D. Raises KeyboardInterrupt at ^C."""
    import readline  # noqa: F401  so that what is typed can be edited

    _forget_typed()
    try:
        return input(f"{prompt} ").strip()
    except EOFError:
        click.echo()
        return ""


def choice(prompt: str, choices: dict[str, str]) -> str:
    """One of the choices (`{"a": "allow"}`), by its word or its letter; the last at ^D."""
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
    """What was typed before the question was seen is no answer to it."""
    with suppress(termios.error, OSError, ValueError):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
