"""The two MCP servers: tools of a few lines that translate. The only importers of mcp here."""
