"""Where git writes when somebody commits in a linked worktree: all that a program needs which may
write nowhere else. Its hooks and settings, which would be run outside, are not there.
"""

from __future__ import annotations

import os

from worker_manager.worktrees import marks


def directories(worktree: str) -> tuple[str, ...]:
    """Those that exist, absolute; none where it is no linked worktree, or where what a worker can
    write leads elsewhere. Reads files only.
    """
    own = marks.pointed_at(worktree)
    if not marks.is_sound(own):
        return ()
    common = os.path.dirname(os.path.dirname(own))
    # `reftable` holds refs and logs of a repository of that format.
    shared = [os.path.join(common, name) for name in ("objects", "refs", "logs", "reftable")]
    return (own, *filter(os.path.isdir, shared))
