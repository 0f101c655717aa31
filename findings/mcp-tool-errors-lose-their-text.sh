#!/bin/sh
# Seen with mcp 2.3.0 (the Python SDK).
# Guess: the text of an exception in a tool reaches the model, as with FastMCP of mcp 1.x.
# Seen: of ToolError alone. Of any other exception the model reads only that the tool failed, not why,
# so it can't do otherwise next time; the traceback goes to the server's standard error.
set -eu
lab=$(mktemp -d) && trap 'rm -rf "$lab"' EXIT && cd "$lab"
python3 -m venv venv
venv/bin/pip install -q mcp==2.3.0
venv/bin/python - <<'END' || { echo "It behaves otherwise now."; exit 1; }
import asyncio, logging
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
server = MCPServer("lab")
logging.disable()
@server.tool()
def plain() -> str:
    raise ValueError("no branch is called x: name one of a, b")
@server.tool()
def special() -> str:
    raise ToolError("no branch is called x: name one of a, b")
async def main() -> list[str]:
    async with Client(server) as client:
        return [(await client.call_tool(name, {})).content[0].text for name in ("plain", "special")]
got = asyncio.run(main())
print(*got, sep="\n")
why = ": no branch is called x: name one of a, b"
assert got == ["Error executing tool plain", "Error executing tool special" + why]
END
