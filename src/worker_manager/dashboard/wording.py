"""What is said to models, for people: their keys in the place of tools."""

import re

_KEYS = {
    "nudge_worker": "nudge (n)",
    "answer_worker": "answer (y)",
    "stop_worker": "stop (s)",
    "merge_worker": "merge (m)",
    "clean_workers": "clean (c)",
    "restore_worker": "undo (u)",
    "list_workers": "the list",
    "read_mail": "the letters",
}
#: A tool, and what it is to be called with.
_TOOL = re.compile(rf"\b({'|'.join(_KEYS)})\b(?:\([^()]*\))?")


def for_people(text: str) -> str:
    """The same text with the keys of the live view."""
    return _TOOL.sub(lambda found: _KEYS[found[1]], text)
