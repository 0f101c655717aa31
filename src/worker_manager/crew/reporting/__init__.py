"""What a worker reports, and the evidence behind it."""
