"""Stop: nobody ends a turn past waiting mail, no worker without a report."""

import os

from worker_manager import formatting
from worker_manager.hooks import call, mail
from worker_manager.state.layout import is_worker_home, repository_of

REMIND_TIMES = 2


def run() -> int:
    """Blocks with the mail, or with a reminder."""
    home = call.home()
    if home is None:
        return 0
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
    worker_id = os.path.basename(home)
    if records.get(worker_id).status not in (Status.STARTING, Status.RUNNING):
        return
    times = _count(home)
    if times <= REMIND_TIMES:
        call.block(formatting.reminder(times))
    elif times == REMIND_TIMES + 1:
        reports.stalled(records, worker_id, str(stdin.get("last_assistant_message") or ""))


def _count(home: str) -> int:
    """How often it ended a turn like this, this time included."""
    with open(os.path.join(home, mail.REMINDERS), "a+", encoding="utf-8") as file:
        file.write("x")
        return file.tell()
