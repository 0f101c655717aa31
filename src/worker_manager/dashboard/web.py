"""The live view in a browser: served to this machine alone, and only below a path that holds a
token. Whoever has the token has the person's keys, so nothing else is let in.
"""

from __future__ import annotations

import hmac
import os
import secrets
import shlex
import socket
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler
from textual_serve.server import Server

from worker_manager.crew.repository import Repository
from worker_manager.errors import InvalidInput

LOOPBACK = "127.0.0.1"
#: For open windows, once it is told to end.
SHUTDOWN_SECONDS = 2.0
_WARNING = "Whoever has this address can act as you. Ctrl-C ends it.\n"
#: Nothing is taken from anywhere else, and no address with the token is passed on.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' data: blob: ws:",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Door(Server):
    """textual-serve's server, with one way in."""

    def __init__(self, command: str, port: int, token: str) -> None:
        super().__init__(command, host=LOOPBACK, port=port, title="worker-manager")
        self.origin = f"http://{LOOPBACK}:{port}"
        self.address = f"{self.origin}/{token}/"
        self._token = token
        # Its own page asks another host for a font.
        self.templates_path = Path(__file__).parent / "page"

    async def _make_app(self) -> web.Application:
        inner = web.Application()
        aiohttp_jinja2.setup(inner, loader=jinja2.FileSystemLoader(self.templates_path))
        inner.add_routes(
            [
                web.get("/", self.handle_index, name="index"),
                web.get("/ws", self.handle_websocket, name="websocket"),
                web.static("/static", self.statics_path, name="static"),
            ]
        )
        outer = web.Application(middlewares=[self._guard])
        outer.add_subapp(f"/{self._token}/", inner)
        return outer

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """403 without the token, or from a page of somebody else's."""
        given = request.path.split("/")[1].encode("utf-8", "replace")
        is_ours = request.headers.get("Origin", self.origin) == self.origin
        is_here = request.host == f"{LOOPBACK}:{self.port}"
        if not (hmac.compare_digest(given, self._token.encode()) and is_ours and is_here):
            return web.Response(status=403, text="Open the whole address, with its token.\n")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response


def serve(repository: Repository, port: int | None) -> int:
    """Until Ctrl-C; the exit code. Each browser window is a view of its own. Raises InvalidInput
    when the port is taken.
    """
    listener = _listener(port or 0)
    os.environ["WORKER_MANAGER_STATE_DIR"] = repository.root
    os.chdir(repository.directory)
    command = shlex.join([sys.executable, "-I", "-m", "worker_manager", "watch"])
    door = Door(command, listener.getsockname()[1], secrets.token_urlsafe(24))
    with suppress(KeyboardInterrupt):
        sys.stdout.write(f"Open {door.address}\n{_WARNING}")
        sys.stdout.flush()
        web.run_app(door._make_app(), sock=listener, print=None, shutdown_timeout=SHUTDOWN_SECONDS)
    return 0


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen()  # whoever is as fast as the address is told waits, and is served
    except (OSError, OverflowError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or error
        raise InvalidInput(
            f"Port {port} can't be used: {why}. Choose another one, or leave --port out."
        ) from error
    return listener
