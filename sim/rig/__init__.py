"""The rig: real nodes, each in a network of its own, joined by a link that we make as bad as we like, from a seed.

The law: the nodes are `keepclear run` with their usual settings, real keys, sockets and disks. Between them is nothing
but our link, and a run is judged from the signed records alone. The seed decides what happens when, and what becomes
of the nth datagram of each way; the machine decides the rest.
"""
