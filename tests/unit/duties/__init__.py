"""What one validator does: its duties, over real headers, a real application and real signatures."""
