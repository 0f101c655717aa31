"""The calls that run at this moment, each in a thread of its own."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from worker_manager.processes import shell
from worker_manager.servers.call import Call, Cancelled
from worker_manager.servers.handshake import Client
from worker_manager.servers.refusals import failed
from worker_manager.servers.toolbox import Toolbox, ToolFailed

Message = dict[str, Any]
_Number = tuple[type, str]
_CLOSED = {"error": {"code": -32000, "message": "Connection closed"}}


class InFlight:
    """Those of one conversation; `send` writes one message, and raises OSError when nobody reads
    it. A signal ends them, and this process, from now on.
    """

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._calls: dict[_Number, Call] = {}
        self._threads: dict[threading.Thread, Call] = {}
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, _leave)

    def start(
        self, toolbox: Toolbox, request: Message, arguments: Message, client: Client | None
    ) -> None:
        """Calls the tool that the request names, and answers it once it has its result. Raises
        RuntimeError when there can't be another thread.
        """
        call = Call(client, lambda *told: self._progress(request, *told))
        number = _number(request["id"])
        self._calls[number] = call
        thread = threading.Thread(target=self._run, args=(toolbox, request, arguments, call))
        try:
            thread.start()
        except RuntimeError:
            del self._calls[number]
            raise
        alive = {one: of for one, of in self._threads.items() if one.is_alive()}
        self._threads = {**alive, thread: call}

    def cancel(self, request_id: object) -> None:
        """Whoever called waits no more: it hears nothing of that call. Some write a number as a
        text.
        """
        if not isinstance(request_id, int | str):
            return
        kind, text = _number(request_id)
        for one in (kind, int, str):
            call = self._calls.pop((one, text), None)
            if call is not None:
                call.cancel()
                return

    def close(self) -> None:
        """Nobody calls any more: ends what waits, and waits for what is under way."""
        for call in self._threads.values():
            call.cancel()
        for thread in self._threads:
            thread.join()
        shell.end_all()

    def _run(self, toolbox: Toolbox, request: Message, arguments: Message, call: Call) -> None:
        said = _said(toolbox, request["params"]["name"], arguments, call)
        is_error = said["result"]["isError"]
        is_said = call.settle(lambda: self._say(request, said), is_error=is_error)
        number = _number(request["id"])
        if self._calls.get(number) is call:  # it was not cancelled
            self._calls.pop(number, None)
            if not is_said:
                with suppress(OSError):
                    self._say(request, _CLOSED)

    def _say(self, request: Message, said: Message) -> None:
        self._send({"jsonrpc": "2.0", "id": request["id"], **said})

    def _progress(self, request: Message, done: float, of: float, text: str) -> None:
        meta = request["params"].get("_meta")
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        if isinstance(token, int | str):
            told = {"progressToken": token, "progress": done, "total": of, "message": text}
            with suppress(OSError):  # the result will meet that, too
                self._send({"jsonrpc": "2.0", "method": "notifications/progress", "params": told})


def _number(request_id: int | str) -> _Number:
    """5 is another call than "5"."""
    return type(request_id), str(request_id)


def _said(toolbox: Toolbox, name: str, arguments: Message, call: Call) -> Message:
    try:
        structured = toolbox.run(call, name, arguments)
    except ToolFailed as error:
        return failed(f"Error executing tool {name}: {error}")
    except Cancelled:
        return failed("cancelled")  # nobody hears it
    except Exception:  # noqa: BLE001  the server goes on; what it has met is not for the model
        traceback.print_exc()
        return failed(f"Error executing tool {name}")
    text = [{"type": "text", "text": structured["text"]}]
    return {"result": {"content": text, "isError": False, "structuredContent": structured}}


def _leave(number: int, _frame: FrameType | None) -> None:
    shell.end_all()
    # Calls may be under way in other threads; nothing here depends on an exit handler.
    os._exit(128 + number)
