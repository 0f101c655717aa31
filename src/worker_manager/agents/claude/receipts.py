"""Which messages stand in a transcript of Claude Code. A hook's text is there 0.1 s after the hook
has ended (seen), that of SessionStart only with the next prompt (seen); a queued one as a
`queue-operation` until the model gets it.

Standard library only: hooks use it.
"""

import os
from _collections_abc import Collection


def receipts(transcript: str, offset: int, ids: Collection[str]) -> tuple[set[str], set[str], bool]:
    """Which of these message ids the model has got, from an offset on, and which are only queued;
    whether the model has said something since. Raises OSError.
    """
    with open(transcript, "rb") as file:
        file.seek(offset)
        lines = file.read().split(b"\n")
    kinds = {one: {_type(line) for line in lines if one.encode() in line} for one in ids}
    seen = {one for one, found in kinds.items() if found - {"queue-operation", "assistant"}}
    queued = {one for one, found in kinds.items() if "queue-operation" in found} - seen
    return seen, queued, any(map(_is_of_the_model, lines))


def where_it_grows(transcript: str) -> str:
    """The transcript of a session that was resumed in another directory is where it began to be:
    its name is the session's id, and lies in a folder named by a directory.
    """
    if not transcript or os.path.exists(transcript):
        return transcript
    projects = os.path.dirname(os.path.dirname(transcript))
    name = os.path.basename(transcript)
    try:
        folders = os.listdir(projects)
    except OSError:
        return transcript
    found = (os.path.join(projects, folder, name) for folder in folders)
    return next((one for one in found if os.path.isfile(one)), transcript)


def _is_of_the_model(line: bytes) -> bool:
    return b'"assistant"' in line and _type(line) == "assistant"


def _type(line: bytes) -> str:
    import json  # slow to load, and needed only for lines that may tell something

    try:
        return str(json.loads(line).get("type", ""))
    except (ValueError, AttributeError):
        return ""
