"""The two MCP servers, which speak the protocol themselves: tools of a few lines that translate."""
