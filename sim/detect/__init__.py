"""What geo finds, against a judge that shares nothing with it: `python -m sim.detect --pairs 1000000`.

The law: nothing in the judge comes from geo but the types that it is asked with. Positions and distances are those of
PROJ's C geodesic (pyproj), heights are whole centimetres and centimetres a second in integers, areas are shapely's.
"""
