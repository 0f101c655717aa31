"""A worker's work comes in: merge, clean, bring back."""
