"""keepclear: a deconfliction line between parties that share airspace but no command and little trust."""
