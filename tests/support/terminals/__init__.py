"""What a person sees and types: tmux, the live view, a browser."""
