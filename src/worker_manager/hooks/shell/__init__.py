"""What a shell command would write."""
