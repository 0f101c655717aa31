"""What must be done when nobody asked: ends, limits, budgets, conflicts."""
