"""The pictures of docs/line.md, drawn from what the program does: `python -m sim.draw`.

The law: nothing in a picture is known here. States are those that the program's own functions give when they are
asked, times and sizes those of real sessions and real nodes in the simulator's world. A picture says what is so; when
that changes, it is drawn anew, and a test compares.
"""
