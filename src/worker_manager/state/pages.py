"""Keeps a text that is read in portions while its source may change."""

import os

from worker_manager.domain.identifiers import digest
from worker_manager.state.files import write_atomic

_PAGES = "diff"


def keep(home: str, text: str) -> str:
    """Saves a text in place of the previous one. Returns the tag that identifies it."""
    content = text.encode("utf-8", "surrogatepass")
    write_atomic(os.path.join(home, _PAGES), content)
    return _tag(content)


def read(home: str, tag: str) -> str | None:
    """Returns the text with that tag; None when it was replaced."""
    try:
        with open(os.path.join(home, _PAGES), "rb") as file:
            content = file.read()
    except OSError:
        return None
    return content.decode("utf-8", "surrogatepass") if _tag(content) == tag else None


def _tag(content: bytes) -> str:
    return digest(content)[:8]
