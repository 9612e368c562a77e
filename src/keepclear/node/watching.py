"""A watch: a node that is none of the members. It has no peers, says nothing, and is told only by bundles.

The law: what does not come is told, as a line's death is: a watch cannot ask for it. Silence says nothing of what is
in force; all that came stays, and is worked out against own tracks and plans.
"""

from keepclear.accord.times import zulu
from keepclear.node.core import Core


def remind(core: Core) -> None:
    """Calls once when no bundle has come within the time that it is set to."""
    last, within_ms = core.state.bundles, core.state.settings.bundle_within_ms
    if not within_ms or last.alarmed:
        return
    if last.at_ms is None:
        last.at_ms = core.mono_ms  # from the start on
    elif core.mono_ms - last.at_ms >= within_ms:
        last.alarmed = True
        newest = f"the last came {zulu(last.wall_ms)}" if last.wall_ms is not None else "none has come yet"
        text = f"no bundle within {within_ms // 1_000} s, {newest}: what was said since is not known here"
        core.show("silent", text, precedence=2)
        core.alarm("silent", text)
