"""What commands show and ask at a terminal."""
