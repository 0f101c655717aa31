#!/bin/sh
# Seen with mcp 2.3.0 (the Python SDK).
# Guess: an argument of type `str | None` gets the string that was sent, as one of type `str` does.
# Seen: unless the type is exactly `str`, a string is first tried as JSON (for clients that send lists
# as strings). "null" arrives as None, "{}" is refused as not a string; "7" stays. A text that may be
# left out is safer as `text: str = ""`.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
python3 -m venv venv
venv/bin/pip install -q mcp==2.3.0
venv/bin/python - <<'END' || { echo "It behaves otherwise now."; exit 1; }
import asyncio, logging
from mcp import Client
from mcp.server.mcpserver import MCPServer
server = MCPServer("lab")
logging.disable()
@server.tool()
def strict(text: str) -> str:
    return repr(text)
@server.tool()
def optional(text: str | None = "left out") -> str:
    return repr(text)
async def call(client: Client, tool: str, text: str) -> str:
    result = await client.call_tool(tool, {"text": text})
    return "refused" if result.is_error else result.content[0].text
async def main() -> list[list[str]]:
    async with Client(server) as client:
        return [[await call(client, tool, text) for text in ("null", "{}", "7", "x")]
                for tool in ("strict", "optional")]
got = asyncio.run(main())
print(*got, sep="\n")
assert got == [["'null'", "'{}'", "'7'", "'x'"], ["None", "refused", "'7'", "'x'"]]
END
