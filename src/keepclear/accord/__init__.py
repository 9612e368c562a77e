"""What may be said on a line, and what its parties agreed."""
