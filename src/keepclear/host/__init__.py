"""The hands of a node: run loop, journal, sockets, keys, command line."""
