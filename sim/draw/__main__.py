"""Draws every picture anew: `python -m sim.draw`."""

from pathlib import Path

from sim.draw.pictures import PICTURES

DOCS = Path(__file__).resolve().parents[2] / "docs"

for name, draw in PICTURES.items():
    (DOCS / f"{name}.svg").write_text(draw().svg())
    print(f"drawn: docs/{name}.svg")
