"""Keys, and the record that keeps them from contradicting themselves: the only place where signatures are made."""
