"""Which workers need the person, and in which order all of them stand."""

from __future__ import annotations

from worker_manager.domain.worker import Status
from worker_manager.views.gatherer import GONE, Gathered, Sighting

STALLED, GONE_KIND = "stalled", "gone"
_NEEDY = (Status.ASKING, Status.BLOCKED, Status.FAILED)
_IDLE = "idle without a report"


def need_of(sighting: Sighting) -> str:
    """Asking, blocked, failed, stalled or gone; empty when it needs nobody."""
    worker, facts = sighting
    if worker.cleaned:
        return ""
    if facts.reason == GONE:
        return GONE_KIND
    if facts.status in _NEEDY:
        return facts.status
    is_idle = facts.status == Status.RUNNING and facts.reason.startswith(_IDLE)
    return STALLED if is_idle else ""


def word_for(sighting: Sighting) -> str:
    """How it stands, in one word of at most nine letters."""
    worker, facts = sighting
    if worker.cleaned:
        return "cleaned"
    if worker.finished and worker.merge and worker.merge.done:
        return "merged"
    return need_of(sighting) or facts.status


def ordered(gathered: Gathered, *, find: str, cleaned: bool) -> list[Sighting]:
    """Those that need the person first, then those at work, those that wait, those that are done;
    only those with all words of `find` in them. `cleaned`: these, too.
    """
    words = find.casefold().split()
    shown = [one for one in gathered.sightings if cleaned or not one.worker.cleaned]
    found = [one for one in shown if all(word in _haystack(one) for word in words)]
    return sorted(found, key=_rank)


def _rank(sighting: Sighting) -> int:
    worker, facts = sighting
    if need_of(sighting):
        return 0
    if not worker.finished:
        return 2 if facts.status == Status.QUEUED else 1
    return 5 if worker.cleaned else 4 if word_for(sighting) == "merged" else 3


def _haystack(sighting: Sighting) -> str:
    facts = sighting.facts
    parts = (facts.id, facts.name, facts.title, word_for(sighting), facts.branch)
    return " ".join(parts).casefold()
