"""Messages to workers: sent, delivered, answered."""
