"""A server's conversation: what is heard is answered by the handshake, or by a tool, which runs in
a thread of its own so that the next message is heard meanwhile.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from worker_manager.errors import WorkerManagerError
from worker_manager.servers import refusals
from worker_manager.servers.handshake import Handshake
from worker_manager.servers.wire import NOTHING, Kept, Wire

if TYPE_CHECKING:
    from worker_manager.servers.in_flight import InFlight
    from worker_manager.servers.toolbox import Toolbox

Message = dict[str, Any]


class Heard(NamedTuple):
    """A conversation up to its first call: for a program that takes the place of this one."""

    wire: Wire
    lines: list[str]


Load = Callable[[Heard], "Toolbox"]


def serve(
    role: str, load: Load, *, after_listing: Callable[[], None], kept: Kept = NOTHING
) -> None:
    """Speaks MCP until stdin closes or a signal comes. `load` gives the tools at the first call;
    when it raises, that is the answer, and the next call tries again.
    `after_listing` is called when the session has its tools, and once more before it uses the
    first; it must not raise.
    """
    conversation = _Conversation(Wire(kept), Handshake(role), load, after_listing)
    try:
        with suppress(ConnectionError):  # nobody hears us any more, or speaks to us
            conversation.serve()
    finally:
        conversation.close()


class _Conversation:
    def __init__(
        self, wire: Wire, handshake: Handshake, load: Load, after_listing: Callable[[], None]
    ) -> None:
        self._wire = wire
        self._handshake = handshake
        self._load = load
        self._after_listing = after_listing
        self._opening: list[str] = []
        self._tools: tuple[Toolbox, InFlight] | None = None

    def serve(self) -> None:
        while line := self._wire.readline():
            message, refusal = refusals.examined(line)
            if refusal:
                self._wire.send(refusal)
            elif "method" in message:
                self._hear(message, line)

    def close(self) -> None:
        """Ends what is under way."""
        if self._tools is not None:
            self._tools[1].close()

    def _hear(self, message: Message, line: str) -> None:
        method, params = message["method"], message.get("params") or {}
        if refusals.names_sender(message):
            said = self._handshake.answer(method, params)
            said = said or self._called(message, params, line)
            if said:
                self._wire.send({"jsonrpc": "2.0", "id": message["id"], **said})
        if method == "initialize":
            self._opening = [line]
        elif method == "notifications/initialized":
            self._opening.append(line)
        elif method == "notifications/cancelled" and self._tools is not None:
            self._tools[1].cancel(params.get("requestId"))
        elif method == "tools/list":
            self._after_listing()

    def _called(self, message: Message, params: Message, line: str) -> Message:
        """What is wrong with the call; nothing when its tool is at work."""
        name = params["name"]
        try:
            arguments = self._handshake.arguments(name, params.get("arguments") or {})
            toolbox, in_flight = self._tools = self._tools or self._loaded(line)
            in_flight.start(toolbox, message, arguments, self._handshake.client)
        except WorkerManagerError as error:
            return refusals.failed(str(error))
        except Exception as error:  # noqa: BLE001  the next call may do better
            traceback.print_exc()
            why = f"{type(error).__name__}: {error}"
            return refusals.failed(f"Error executing tool {name}: {why}")
        return {}

    def _loaded(self, line: str) -> tuple[Toolbox, InFlight]:
        toolbox = self._load(Heard(self._wire, [*self._opening, line]))
        from worker_manager.servers.in_flight import InFlight  # most sessions call nothing

        self._after_listing()
        return toolbox, InFlight(self._wire.send)
