"""Scenarios as data files; keepclear.host.scenario reads them."""
