"""Which pictures there are, by the name of their file in docs/."""

from collections.abc import Callable
from typing import Final

from sim.draw import death, facts, flash, handshake, ladder, starts, states
from sim.draw.paper import Paper

PICTURES: Final[dict[str, Callable[[], Paper]]] = {
    "line-states": states.draw,
    "line-facts": facts.draw,
    "line-death": death.draw,
    "line-session": handshake.draw,
    "line-flash": flash.draw,
    "line-ladder": ladder.draw,
    "line-starts": starts.draw,
}
