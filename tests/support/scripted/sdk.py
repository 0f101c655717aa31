"""The MCP SDK's own server with our tools: what it says is what ours must say."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints, is_typeddict

import anyio
import mcp_types
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.message import SessionMessage
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field, create_model

from worker_manager import __version__
from worker_manager.servers import orchestrator
from worker_manager.servers.call import Call
from worker_manager.servers.toolbox import About, Tool, Toolbox, ToolFailed
from worker_manager.servers.tools import worker
from worker_manager.state.workers.records import Records

ROLES = ("orchestrator", "worker")
#: Keeps a tool in the model's hands from the first turn on, without a tool search.
_ALWAYS_LOAD = {"anthropic/alwaysLoad": True}


def listed_only(role: str) -> Toolbox:
    """Tools that nobody will call: they need no fleet and no worker."""
    if role == "orchestrator":
        fleet: Any = None
        return orchestrator.build(fleet)
    return worker.build(Records("/"), "00000000", ask_wait_seconds=0, check_seconds=0)


def sdk_server(role: str, toolbox: Toolbox) -> MCPServer[dict[str, object]]:
    """The SDK's server with these tools."""
    says = orchestrator.INSTRUCTIONS if role == "orchestrator" else None
    server: MCPServer[dict[str, object]] = MCPServer("crew", instructions=says, version=__version__)
    for name, tool in toolbox.tools.items():
        annotations = ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.is_read_only,
            destructive_hint=tool.is_destructive,
        )
        server.add_tool(
            _translated(toolbox, name, tool),
            annotations=annotations,
            meta=_ALWAYS_LOAD if tool.is_always_loaded else None,
        )
    return server


def _translated(toolbox: Toolbox, name: str, tool: Tool) -> Callable[..., CallToolResult]:
    """A function as the SDK wants one, which runs the tool."""

    def run(**arguments: object) -> CallToolResult:
        try:
            structured = toolbox.run(Call(), name, arguments)
        except ToolFailed as error:
            raise ToolError(str(error)) from error
        text = TextContent(type="text", text=structured["text"])
        return CallToolResult(content=[text], structured_content=structured)

    signature = inspect.signature(tool.function, eval_str=True)
    parameters = [
        one.replace(annotation=_type(one.annotation), kind=one.KEYWORD_ONLY)
        for one in list(signature.parameters.values())[1:]
    ]
    gives: Any = Annotated[CallToolResult, _model(signature.return_annotation)]
    run.__name__, run.__doc__ = name, tool.function.__doc__
    vars(run)["__signature__"] = inspect.Signature(parameters, return_annotation=gives)
    return run


def _type(annotation: Any) -> Any:
    if get_origin(annotation) is not Annotated:
        return annotation
    kind, about = get_args(annotation)
    assert isinstance(about, About)
    choices = {"enum": list(about.choices)} if about.choices else None
    field = Field(description=about.description or None, json_schema_extra=choices)
    return Annotated[kind, field]


@cache
def _model(kind: Any) -> type[BaseModel]:
    """The pydantic model of a class of ours: what it says of itself, and its fields."""
    fields: dict[str, Any] = {name: _field(hint) for name, hint in get_type_hints(kind).items()}
    return create_model(kind.__name__, __doc__=inspect.getdoc(kind), **fields)


def _field(hint: Any) -> Any:
    if is_typeddict(hint):
        return _model(hint)
    if get_origin(hint) is list:
        (of,) = get_args(hint)
        return list[_field(of)]  # type: ignore[misc]  # a type made at run time
    return hint


def conversation(
    server: MCPServer[dict[str, object]], messages: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What the SDK's server answers to each request among these, by `id`."""
    return anyio.run(_conversation, server, messages)


async def _conversation(
    server: MCPServer[dict[str, object]], messages: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    inner = server._lowlevel_server  # MCPServer itself serves stdin and stdout only
    heard, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, said = anyio.create_memory_object_stream[SessionMessage](0)
    answers: list[dict[str, Any]] = []
    async with anyio.create_task_group() as tasks, heard, said:
        tasks.start_soon(inner.run, incoming, outgoing, inner.create_initialization_options())
        for one in messages:
            line = json.dumps({"jsonrpc": "2.0", **one})
            message = mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
            await heard.send(SessionMessage(message))
            if "id" in one:
                told = (await said.receive()).message
                answers.append(told.model_dump(mode="json", by_alias=True, exclude_unset=True))
        tasks.cancel_scope.cancel()
    return answers
