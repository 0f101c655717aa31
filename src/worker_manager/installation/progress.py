"""What a person sees of a set-up: how far it is."""

import contextlib
import os
import sys


class Progress:
    """One line on stderr, written anew on a terminal; elsewhere a line for each step. Silent once
    who has started us is gone: the terminal is no longer ours.
    """

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._is_terminal = sys.stderr.isatty()

    def say(self, text: str) -> None:
        """A line that stays."""
        self._write(f"worker-manager: {text}\n")

    def step(self, text: str) -> None:
        """Where it is now."""
        self._write(f"worker-manager: {text}{'' if self._is_terminal else chr(10)}")

    def clear(self) -> None:
        """Takes the last step's line away."""
        self._write("")

    def _write(self, text: str) -> None:
        if os.getppid() != self._parent:
            return
        with contextlib.suppress(OSError):  # the pipe may have gone
            sys.stderr.write(f"\r\x1b[K{text}" if self._is_terminal else text)
            sys.stderr.flush()
