"""The conversation once the SDK is loaded: lines of the wire to its messages, and back. Its own
transport drops a line that it can't read, and ends with a message that it can't write.
"""

import os
import signal
from functools import partial
from types import FrameType
from typing import Any

import anyio
import mcp_types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.mcpserver import MCPServer
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from worker_manager.processes import shell
from worker_manager.servers import refusals
from worker_manager.servers.wire import Wire


def serve(server: MCPServer[Any], wire: Wire) -> None:
    """Speaks MCP on the wire until it closes or a signal comes."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        anyio.run(_converse, server, wire)
    finally:
        shell.end_all()


async def _converse(server: MCPServer[Any], wire: Wire) -> None:
    inner = server._lowlevel_server  # MCPServer itself serves stdin and stdout only
    heard, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, said = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_hear, wire, heard)
        tasks.start_soon(_say, wire, said)
        await inner.run(incoming, outgoing, inner.create_initialization_options())


async def _hear(wire: Wire, heard: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
    async with heard:
        while line := await anyio.to_thread.run_sync(wire.readline):
            try:
                message = mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValidationError as error:
                answer = _refusal(line, error)
                if answer:  # it may be faster than what is only said once more
                    await anyio.to_thread.run_sync(partial(wire.send, answer, is_new=True))
            else:
                await heard.send(SessionMessage(message))


async def _say(wire: Wire, said: MemoryObjectReceiveStream[SessionMessage]) -> None:
    async with said:
        async for one in said:
            # Not as JSON at once: the SDK's encoder fails for half a character.
            message = one.message.model_dump(mode="json", by_alias=True, exclude_unset=True)
            await anyio.to_thread.run_sync(wire.send, message)


def _refusal(line: str, error: ValidationError) -> dict[str, Any]:
    message = refusals.read(line)
    if fault := refusals.fault_of(message):
        return refusals.refusal(message, fault)
    first = error.errors(include_url=False, include_input=False)[0]
    is_json = first["type"] != "json_invalid"
    code = refusals.INVALID_REQUEST if is_json else refusals.PARSE_ERROR
    return refusals.refusal(message, f"This message can't be read: {first['msg']}.", code)


def _leave(number: int, _frame: FrameType | None) -> None:
    shell.end_all()
    # A thread hangs on stdin; nothing here depends on an exit handler.
    os._exit(128 + number)
