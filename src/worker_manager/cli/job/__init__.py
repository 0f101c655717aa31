"""What `run` is made of: follow, answer, offer the merge."""
