"""How read_worker shows what was seen of a worker."""

from worker_manager.crew.fleet import Fleet
from worker_manager.domain import identifiers
from worker_manager.errors import InvalidInput
from worker_manager.servers.toolbox import Result
from worker_manager.text import rendering
from worker_manager.views import inspection

#: What we say around a worker's own text, at most: a title, a path, a branch, a reason.
_FRAME = 500


class Seen(Result):
    """Where it goes on: give that as `cursor`. Whether there is more by now."""

    id: str
    status: str
    cursor: str
    more: bool


def read(fleet: Fleet, worker_id: str, what: str, cursor: str, max_bytes: int) -> Seen:
    """The answer of read_worker; raises a WorkerManagerError."""
    least, most = inspection.MIN_BYTES, inspection.MAX_BYTES
    if not least <= max_bytes <= most:
        raise InvalidInput(f"max_bytes is {max_bytes}. Give a number from {least} to {most}.")
    view = inspection.look(fleet, worker_id, what, cursor, max_bytes - _FRAME)
    worker = view.worker
    begin = f"Worker {worker.id}. {view.said}"
    end = f'\nMore: read_worker(id="{worker.id}", what="{what}", cursor="{view.cursor}")'
    text = begin + rendering.fenced(view.text, identifiers.new_message_id())
    return Seen(
        text=text + (end if view.more else ""),
        id=worker.id,
        status=worker.status.value,
        cursor=view.cursor,
        more=view.more,
    )
