"""Activity: what an agent's session does at this moment."""

from typing import NamedTuple


class Activity(NamedTuple):
    """What Claude Code says of a session of its own: `status` is busy, idle, waiting or shell (a
    background command runs), `waiting_for` names a dialog, `since` is in seconds since the epoch.
    """

    status: str
    waiting_for: str
    since: float
    socket: str = ""  #: on which its session takes messages; empty when it has none
