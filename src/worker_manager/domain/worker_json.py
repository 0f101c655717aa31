"""A worker's record as JSON."""

from __future__ import annotations

from typing import Any

from worker_manager.domain.worker import Former, Merge, Report, Status, Worker
from worker_manager.errors import StateCorrupt

_LISTS = ("checks", "allowed_paths", "unchecked")
_FIELD_NAMES = {*Worker._fields} - {"extra"}


def to_json(worker: Worker) -> dict[str, Any]:
    """The record as it lies on disk, unknown keys included."""
    record = worker._asdict()
    extra = record.pop("extra")
    parts = {
        "report": worker.report._asdict() if worker.report else None,
        "merge": worker.merge._asdict() if worker.merge else None,
        "formers": [one._asdict() for one in worker.formers],
    }
    return {**extra, **record, **parts}


def from_json(record: dict[str, Any]) -> Worker:
    """The worker in a record; raises StateCorrupt when a field is missing or wrong."""
    known = {key: value for key, value in record.items() if key in _FIELD_NAMES}
    extra = {key: value for key, value in record.items() if key not in _FIELD_NAMES}
    try:
        if known.get("report") is not None:
            known["report"] = Report(**known["report"])
        if known.get("merge") is not None:
            known["merge"] = Merge(**known["merge"])
        known["formers"] = tuple(Former(**one) for one in known.get("formers", ()))
        known["status"] = Status(known["status"])
        known.update({name: tuple(known.get(name, ())) for name in _LISTS})
        return Worker(**known, extra=extra)
    except (KeyError, TypeError, ValueError) as error:
        raise StateCorrupt(f"not a worker record: {error}") from error
