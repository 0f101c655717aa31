"""Tools that speak to workers, and read what they said."""

from __future__ import annotations

from typing import Annotated

from worker_manager.crew.fleet import Fleet
from worker_manager.servers.call import Call
from worker_manager.servers.toolbox import About, Result, Toolbox
from worker_manager.servers.tools.worker_info import WorkerId
from worker_manager.text import rendering
from worker_manager.views import announcements


class Sent(Result):
    """A message that lies in a worker's mailbox."""

    id: str
    message_id: str
    answered_question: bool


class Nudged(Sent):
    """`fate` is seen (it stands in the worker's conversation), delivered (taken out of its mailbox,
    to be shown) or queued, for a reason. `rung`: by its ask call, a dialog, a hook, its message
    socket, or a line typed at its prompt.
    """

    fate: str
    rung: str
    reason: str


class Mail(Result):
    """Messages; how many more wait."""

    messages: list[str]
    left: int


def add(toolbox: Toolbox, fleet: Fleet) -> None:
    """Declares them."""

    @toolbox.tool("Nudge worker", destructive=False)
    def nudge_worker(
        _: Call,
        id: WorkerId,
        message: str,
        key: Annotated[str, About("the same message with the same key is one")] = "",
    ) -> Nudged:
        """Send a worker the answer to its question, or what to do next. Wakes and reopens it."""
        before, sent = fleet.nudge(id, message, key=key)
        outcome = fleet.carry(before, sent)
        is_answer = bool(sent.reply_to)
        return Nudged(
            text=announcements.nudged(fleet, before, outcome, is_answer=is_answer),
            id=id,
            message_id=sent.id,
            answered_question=is_answer,
            fate=outcome.state,
            rung=outcome.channel,
            reason=outcome.reason,
        )

    @toolbox.tool("Answer worker", destructive=True)
    def answer_worker(
        _: Call,
        id: WorkerId,
        decision: Annotated[str, About("allow, deny, or the answer to its question")],
        message: Annotated[str, About("with deny: why, and what to do instead")] = "",
        message_id: Annotated[str, About("of the message that you answer")] = "",
    ) -> Sent:
        """Answer a permission request of a worker, or a question at its terminal."""
        worker, sent = fleet.answer(id, decision, reason=message, request_id=message_id)
        text = announcements.answered(fleet, worker)
        return Sent(text=text, id=id, message_id=sent.id, answered_question=True)

    @toolbox.tool("Read mail", destructive=False)
    def read_mail(
        call: Call,
        history: Annotated[bool, About("what was shown before, again")] = False,
    ) -> Mail:
        """Messages from your workers that wait. They also arrive by themselves."""
        return _history(fleet) if history else _waiting_mail(call, fleet)


def _waiting_mail(call: Call, fleet: Fleet) -> Mail:
    claim = fleet.claim_mail(most=20)
    if claim is None:
        return Mail(text="No mail waits.", messages=[], left=0)
    call.shows(claim, fleet.home)
    text = rendering.for_orchestrator(claim.messages, claim.files, claim.left)
    return Mail(text=text, messages=[message.id for message in claim.messages], left=claim.left)


def _history(fleet: Fleet) -> Mail:
    past = fleet.history(most=20)
    shown, paths = [message for message, _ in past], [path for _, path in past]
    text = rendering.for_orchestrator(shown, paths, 0) if past else "No mail so far."
    return Mail(text=text, messages=[message.id for message in shown], left=0)
