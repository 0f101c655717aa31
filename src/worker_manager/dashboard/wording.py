"""What is said to models, for people: keys in the place of tools, and where there is none the
command.
"""

import re

from worker_manager.text import commands

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
_PLACE = re.compile(r"\bCall (?=the list\b|the letters\b)")


def for_people(text: str) -> str:
    """The same text with the keys of the live view. Never for a worker's own text."""
    text = _TOOL.sub(lambda found: _KEYS[found[1]], text)
    return commands.for_people(_PLACE.sub("See ", text))
