"""Tools that speak to workers, and read what they said."""

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from worker_manager.crew.fleet import Fleet
from worker_manager.servers.results import Result, acknowledged_soon, answer, tool_errors
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


def add(server: MCPServer[dict[str, object]], fleet: Fleet) -> None:
    """Registers them."""

    @server.tool(annotations=ToolAnnotations(title="Nudge worker", destructive_hint=False))
    def nudge_worker(
        id: WorkerId,
        message: str,
        key: Annotated[str, Field(description="the same message with the same key is one")] = "",
    ) -> Annotated[CallToolResult, Nudged]:
        """Send a worker the answer to its question, or what to do next. Wakes and reopens it."""
        with tool_errors():
            before, sent = fleet.nudge(id, message, key=key)
            outcome = fleet.carry(before, sent)
            info = Nudged(
                id=id,
                message_id=sent.id,
                answered_question=bool(sent.reply_to),
                fate=outcome.state,
                rung=outcome.channel,
                reason=outcome.reason,
            )
            is_answer = info.answered_question
            return answer(announcements.nudged(fleet, before, outcome, is_answer=is_answer), info)

    @server.tool(annotations=ToolAnnotations(title="Answer worker", destructive_hint=True))
    def answer_worker(
        id: WorkerId,
        decision: Annotated[str, Field(description="allow, deny, or the answer to its question")],
        message: Annotated[str, Field(description="with deny: why, and what to do instead")] = "",
        message_id: Annotated[str, Field(description="of the message that you answer")] = "",
    ) -> Annotated[CallToolResult, Sent]:
        """Answer a permission request of a worker, or a question at its terminal."""
        with tool_errors():
            worker, sent = fleet.answer(id, decision, reason=message, request_id=message_id)
            info = Sent(id=id, message_id=sent.id, answered_question=True)
            return answer(announcements.answered(fleet, worker), info)

    @server.tool(annotations=ToolAnnotations(title="Read mail", destructive_hint=False))
    def read_mail(
        history: Annotated[bool, Field(description="what was shown before, again")] = False,
    ) -> Annotated[CallToolResult, Mail]:
        """Messages from your workers that wait. They also arrive by themselves."""
        with tool_errors():
            return _history(fleet) if history else _waiting_mail(fleet)


def _waiting_mail(fleet: Fleet) -> CallToolResult:
    claim = fleet.claim_mail(most=20)
    if claim is None:
        return answer("No mail waits.", Mail(messages=[], left=0))
    with acknowledged_soon(claim, fleet.home):
        text = rendering.for_orchestrator(claim.messages, claim.files, claim.left)
        mail = Mail(messages=[message.id for message in claim.messages], left=claim.left)
        return answer(text, mail)


def _history(fleet: Fleet) -> CallToolResult:
    past = fleet.history(most=20)
    shown, paths = [message for message, _ in past], [path for _, path in past]
    text = rendering.for_orchestrator(shown, paths, 0) if past else "No mail so far."
    return answer(text, Mail(messages=[message.id for message in shown], left=0))
