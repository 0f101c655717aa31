"""Workers' records and what lies beside them."""
