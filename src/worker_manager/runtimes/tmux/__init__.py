"""Workers in tmux."""
