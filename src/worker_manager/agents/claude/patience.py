"""How long Claude Code listens to a call of ours. What takes longer it moves to the background: the
model reads that the call goes on, and the result comes later as a notification that no user has
spoken in. So no call of ours outlasts it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

#: Claude Code's own setting, in milliseconds; 0: it listens to the end. What stands as `env` in a
#: settings file counts before the environment that it was started with.
SETTING = "CLAUDE_CODE_MCP_AUTO_BACKGROUND_MS"
#: Without it, or with a value that is no number (2.1.329 and 2.1.332).
LISTENS_SECONDS = 120.0
#: Of that we use so much: a call is on its way before we hear of it, and so is its answer.
_SHARE = 5 / 6
#: As its clients introduce themselves.
_CLAUDE_CODE = "claude-code"
#: It moves nothing to the background.
LISTENS_TO_THE_END = ("2.1.197",)
#: It was seen that these heed SETTING.
HEEDS_SETTING = ("2.1.329", "2.1.332")
#: Of a session without a terminal: it waits for each call (the same versions).
_NOT_INTERACTIVE = "sdk-cli"


class Client(NamedTuple):
    """Who calls, as it introduced itself."""

    name: str
    version: str


def seconds(
    client: Client | None, environ: Mapping[str, str], seen: Collection[str] = ()
) -> float | None:
    """For how long a call may last; None for any time. `seen` are versions of which it was tried
    here that they heed SETTING. Of others nothing is known: what they are told counts only where it
    shortens the wait.
    """
    if client is None or client.name != _CLAUDE_CODE or client.version in LISTENS_TO_THE_END:
        return None
    is_known = client.version in HEEDS_SETTING or client.version in seen
    if is_known and environ.get("CLAUDE_CODE_ENTRYPOINT") == _NOT_INTERACTIVE:
        return None
    told = environ.get(SETTING, "")
    limit = int(told) / 1_000 if told.isascii() and told.isdigit() else LISTENS_SECONDS
    if limit == 0:
        return None if is_known else LISTENS_SECONDS * _SHARE
    return (limit if is_known else min(limit, LISTENS_SECONDS)) * _SHARE
