"""The little of each worker that a shell asks for at a Tab, read without all of the record."""

import json
import os

from worker_manager.domain.identifiers import is_worker_id
from worker_manager.errors import StateCorrupt
from worker_manager.state.files import read_regular
from worker_manager.state.layout import WORKERS

#: A worker's id, name, status and title.
Summary = tuple[str, str, str, str]


def summaries(repository: str) -> list[Summary]:
    """Those of a repository's workers, oldest first, without those whose record can't be read."""
    folder = os.path.join(repository, WORKERS)
    try:
        ids = [name for name in os.listdir(folder) if is_worker_id(name)]
    except OSError:
        return []
    found = []
    for worker_id in ids:
        try:
            record = json.loads(read_regular(os.path.join(folder, worker_id, "worker.json")))
            found.append((str(record["created_at"]), worker_id, _summary(record)))
        except (OSError, StateCorrupt, ValueError, KeyError, TypeError):
            continue  # it is being made, or removed, or damaged
    return [summary for _, _, summary in sorted(found)]


def _summary(record: dict[str, object]) -> Summary:
    name, status, title = (str(record[key]) for key in ("name", "status", "title"))
    return str(record["id"]), name, status, title
