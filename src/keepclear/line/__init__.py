"""Carrying the record between members: frames, sessions, the order of sending, liveness."""
