"""Orchestrator sessions without claude: the plugin's real server and hooks."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from mcp_types import Implementation

from tests.conftest import CHECKOUT
from tests.support.scripted.workers import HANG
from tests.support.waiting import WAIT_SECONDS
from worker_manager.domain.message import Message
from worker_manager.rehearsal.session import RehearsedSession, ToolResult
from worker_manager.state import orchestrators
from worker_manager.state.layout import mailbox_path, state_root
from worker_manager.state.mail import waits
from worker_manager.state.mail.mailbox import Mailbox

#: Long before a call would end by itself.
SOON = WAIT_SECONDS


class Boss(RehearsedSession):
    """An orchestrator session whose mailbox the test knows."""

    @property
    def home(self) -> str:
        """Its directory in the state."""
        return orchestrators.open_home(state_root(), self.session_id, str(self.cwd))

    @property
    def mailbox(self) -> Mailbox:
        """Into which its workers report."""
        return Mailbox(mailbox_path(self.home))

    async def start_worker(self, task: str = HANG) -> str:
        """Its id."""
        started = await self.call_tool("start_worker", title="t", task=task)
        return str(started.structured["id"])

    async def wait(self, **arguments: object) -> ToolResult:
        """Calls wait_for_workers."""
        with anyio.fail_after(SOON):
            return await self.call_tool("wait_for_workers", **arguments)

    @asynccontextmanager
    async def waiting(self, **arguments: object) -> AsyncIterator[list[ToolResult]]:
        """A call that waits; its result is in the list once it has ended."""
        results: list[ToolResult] = []

        async def wait() -> None:
            results.append(await self.wait(**arguments))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            with anyio.fail_after(SOON):
                while not waits.is_waited(self.home):
                    await anyio.sleep(0.01)
            yield results

    def deliver(self, sender: str, text: str, kind: str = "settled") -> None:
        """A message that changes no status; one that needs no answer unless it is told."""
        message = Message(
            id=f"m{uuid.uuid4().hex[:12]}",
            type=kind,
            sender=sender,
            name="n",
            sent="now",
            body=text,
        )
        self.mailbox.deliver(message)


@asynccontextmanager
async def session(
    repository: Path,
    socket: str,
    session_id: str = "",
    client_info: Implementation | None = None,
    plugin_root: Path = CHECKOUT,
    **environ: str,
) -> AsyncIterator[Boss]:
    """An orchestrator session in a repository; its workers play scripts."""
    given = {
        **os.environ,
        "WORKER_MANAGER_PYTHON": sys.executable,
        "WORKER_MANAGER_TMUX_SOCKET": socket,
        "WORKER_MANAGER_AGENT": "scripted",
    }
    boss = Boss(
        plugin_root=plugin_root,
        cwd=repository,
        session_id=session_id or str(uuid.uuid4()),
        environ=given,
    )
    boss._environ.update(environ)
    boss.client_info = client_info
    async with boss:
        await boss.start()
        yield boss
