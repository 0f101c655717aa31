"""Stop: nobody ends a turn past waiting mail, no worker without a report."""

import os

from worker_manager import formatting
from worker_manager.hooks import call, mail, terminal
from worker_manager.state import receipts
from worker_manager.state.files import append
from worker_manager.state.layout import is_worker_home, repository_of

REMIND_TIMES = 2


def run() -> int:
    """Blocks with the mail, or with a reminder."""
    home = call.home()
    if home is None:
        return 0
    terminal.turn_changed(home)
    receipts.settle(home, restarted=False)
    shown = mail.take(home)
    if shown is not None:
        call.block(shown.text)
        shown.acknowledge()
    elif is_worker_home(home):
        _want_report(home, call.stdin())
    return 0


def _want_report(home: str, stdin: dict[str, object]) -> None:
    from worker_manager import reports  # 60 ms, in workers only
    from worker_manager.models import Status
    from worker_manager.state.records import Records

    if stdin.get("background_tasks"):
        return  # the end of one of them starts its next turn
    records = Records(repository_of(home))
    worker = reports.redeliver(records, records.get(os.path.basename(home)))
    if worker.status not in (Status.STARTING, Status.RUNNING):
        return
    reminded = _reminded(home)
    if reminded < REMIND_TIMES:
        _remind(home)
        call.block(formatting.reminder(reminded + 1))
    elif reminded == REMIND_TIMES:
        path = os.path.join(home, mail.REMINDERS)
        last_words = str(stdin.get("last_assistant_message") or "")
        # Told first, counted after: killed in between, it is told no second time.
        occasion = str(os.stat(path).st_mtime_ns)
        reports.stalled(records, worker.id, last_words, occasion=occasion)
        _remind(home)


def _reminded(home: str) -> int:
    """How often it was reminded since it was last spoken to; one more once it was told of."""
    try:
        return os.path.getsize(os.path.join(home, mail.REMINDERS))
    except FileNotFoundError:
        return 0


def _remind(home: str) -> None:
    append(os.path.join(home, mail.REMINDERS), "x")
