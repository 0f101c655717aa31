"""The client's side of MCP on a server's stdin and stdout, as much of it as a session needs: to
load the SDK takes half a second, which each scripted worker would pay.
"""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO, cast

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process

from worker_manager.errors import WorkerManagerError

#: The newest that begins with a handshake.
PROTOCOL_VERSION = "2025-11-25"
#: How long a server may take to end by itself once its stdin is closed, and after a signal.
LEAVE_SECONDS = 2.0
METHOD_NOT_FOUND = -32601

Progress = Callable[[float, float | None, str | None], Awaitable[None]]


class CallFailed(WorkerManagerError):
    """The server refused a request, or is gone."""


class ServerCommand(NamedTuple):
    """How a server is started."""

    argv: Sequence[str]
    environ: Mapping[str, str]
    cwd: Path


class ClientInfo(Protocol):
    """How a client introduces itself."""

    name: str
    version: str


class _Call:
    """A request that waits for its response."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress
        self.done = anyio.Event()
        self.response: dict[str, Any] = {}


class Client:
    """A conversation with a server that has begun."""

    def __init__(self, process: Process) -> None:
        # Both were asked for as pipes.
        self._stdin = cast("ByteSendStream", process.stdin)
        self._stdout = cast("ByteReceiveStream", process.stdout)
        self._numbers = itertools.count()
        self._calls: dict[int, _Call] = {}
        self._is_open = True

    async def list_tools(self) -> list[str]:
        """Their names."""
        return [tool["name"] for tool in (await self.ask("tools/list"))["tools"]]

    async def call_tool(
        self, name: str, arguments: Mapping[str, object], progress: Progress | None = None
    ) -> dict[str, Any]:
        """The result as it stands in the protocol. Raises CallFailed."""
        return await self.ask("tools/call", progress, name=name, arguments=dict(arguments))

    async def ask(
        self, method: str, progress: Progress | None = None, **params: object
    ) -> dict[str, Any]:
        """The result of any request; a cancelled one is withdrawn. Raises CallFailed."""
        number, call = next(self._numbers), _Call(progress)
        if progress:
            params["_meta"] = {"progressToken": number}
        if not self._is_open:
            raise CallFailed("Connection closed")
        self._calls[number] = call
        try:
            await self.send(id=number, method=method, params=params)
            await call.done.wait()
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(1, shield=True), suppress(CallFailed):
                await self.tell("notifications/cancelled", requestId=number)
            raise
        finally:
            del self._calls[number]
        if "result" not in call.response:
            raise CallFailed(call.response.get("error", {}).get("message", "Connection closed"))
        return dict(call.response["result"])

    async def tell(self, method: str, **params: object) -> None:
        """A notification."""
        await self.send(method=method, params=params)

    async def send(self, **message: object) -> None:
        """One line. Raises CallFailed when nobody reads it any more."""
        line = json.dumps({"jsonrpc": "2.0", **message}) + "\n"
        try:
            await self._stdin.send(line.encode())
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise CallFailed("Connection closed") from error

    async def close(self) -> None:
        """Says no more: its server ends."""
        await self._stdin.aclose()

    async def listen(self) -> None:
        """Hears the server until it says no more."""
        buffer = bytearray()
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for chunk in self._stdout:
                buffer += chunk
                *lines, rest = buffer.split(b"\n") if b"\n" in chunk else [buffer]
                buffer = bytearray(rest)
                for line in lines:
                    await self._hear(json.loads(line))
        self._is_open = False
        for call in self._calls.values():
            call.done.set()

    async def _hear(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            if call := self._calls.get(message.get("id", -1)):
                call.response = message
                call.done.set()
        elif "id" in message:
            error = {"code": METHOD_NOT_FOUND, "message": "This client offers nothing."}
            is_ping = message["method"] == "ping"
            await self.send(id=message["id"], **({"result": {}} if is_ping else {"error": error}))
        elif message["method"] == "notifications/progress":
            given = message["params"]
            call = self._calls.get(given["progressToken"])
            if call and call.progress:
                await call.progress(given["progress"], given.get("total"), given.get("message"))


@asynccontextmanager
async def connected(
    command: ServerCommand, log: TextIO, info: ClientInfo | None
) -> AsyncIterator[Client]:
    """A server of one's own, ended afterwards, and the conversation with it. Raises CallFailed."""
    process = await anyio.open_process(
        list(command.argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=command.cwd,
        env=dict(command.environ),
        start_new_session=True,
    )
    client = Client(process)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.listen)
            await _shake_hands(client, info)
            yield client
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await client.close()
            await _end(process)


async def _shake_hands(client: Client, info: ClientInfo | None) -> None:
    name, version = (info.name, info.version) if info else ("rehearsal", "1")
    await client.ask(
        "initialize",
        protocolVersion=PROTOCOL_VERSION,
        capabilities={},
        clientInfo={"name": name, "version": version},
    )
    await client.tell("notifications/initialized")


async def _end(process: Process) -> None:
    """Waits until it has ended, and ends it when it does not by itself."""
    for last_word in (process.terminate, process.kill):
        with anyio.move_on_after(LEAVE_SECONDS):
            await process.wait()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                last_word()
    await process.wait()
    await process.aclose()
