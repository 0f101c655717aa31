"""What can be seen of workers; nothing is changed."""
