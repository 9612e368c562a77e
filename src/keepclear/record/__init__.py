"""What was said, provably: genesis, entry, logbook, tree, checkpoint."""
