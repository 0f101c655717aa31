"""Results of tools: texts, our errors as tool errors, messages that count as shown once written."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel

from worker_manager.errors import WorkerManagerError
from worker_manager.state.mail.inbox import Claim, expect_receipt
from worker_manager.text.rendering import for_models

#: From a result returned to a result written.
ACKNOWLEDGE_AFTER_SECONDS = 1.0


@contextmanager
def tool_errors() -> Iterator[None]:
    """Only ToolError texts reach the model."""
    try:
        yield
    except WorkerManagerError as error:
        raise ToolError(for_models(error.text)) from error
    except OSError as error:
        raise ToolError(
            f"{error.filename or 'The disk'}: {error.strerror}. Repair that, then try again."
        ) from error


@contextmanager
def acknowledged_soon(claim: Claim, home: str) -> Iterator[None]:
    """For messages that are a tool's result: they count as shown once the result is on its
    way; should we die before, they are shown again. A result that fails gives them back.
    """
    receipt = expect_receipt(home)
    try:
        yield
    except BaseException:
        claim.release()
        raise
    timer = threading.Timer(ACKNOWLEDGE_AFTER_SECONDS, _acknowledge, (claim, receipt))
    timer.daemon = True
    timer.start()


def _acknowledge(claim: Claim, receipt: str) -> None:
    with suppress(OSError):  # they stay claimed, and are shown again
        claim.acknowledge(receipt)


class Result(BaseModel):
    """A tool's result. Claude Code shows the model the structured content and leaves out the
    text beside it: so the text stands in both.
    """

    text: str = ""


def answer(text: str, result: Result) -> CallToolResult:
    """A short text for reading, and the structured content with it."""
    structured = result.model_dump() | {"text": text}
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=structured
    )
