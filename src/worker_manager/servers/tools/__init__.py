"""The MCP tools, which only translate."""
