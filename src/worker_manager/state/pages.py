"""A text that is read in portions, while what it was made from goes on changing."""

import os

from worker_manager.domain.identifiers import digest
from worker_manager.state.files import write_atomic

_PAGES = "diff"


def keep(home: str, text: str) -> str:
    """Keeps a text, in the place of the one before; gives the tag that names it."""
    content = text.encode("utf-8", "surrogatepass")
    write_atomic(os.path.join(home, _PAGES), content)
    return _tag(content)


def read(home: str, tag: str) -> str | None:
    """The text of that tag; None when another has taken its place."""
    try:
        with open(os.path.join(home, _PAGES), "rb") as file:
            content = file.read()
    except OSError:
        return None
    return content.decode("utf-8", "surrogatepass") if _tag(content) == tag else None


def _tag(content: bytes) -> str:
    return digest(content)[:8]
