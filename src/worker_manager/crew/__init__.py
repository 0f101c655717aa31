"""Every use case: what an orchestrator, a worker and the time can do."""
