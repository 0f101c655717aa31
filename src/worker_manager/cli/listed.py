"""What `ls --json` prints, apart from the other results: it is asked for again and again."""

from __future__ import annotations

from typing import NamedTuple

from worker_manager.views.worker_facts import Facts


class Listed(NamedTuple):
    """`ls`. What they have used together; ids of cleaned workers (their facts: with --all), of
    workers whose session is gone, and files of records that can't be read.
    """

    workers: list[Facts]
    tokens_read: int
    tokens_written: int
    cost_usd: float
    cleaned: list[str]
    orphans: list[str]
    damaged: list[str]
