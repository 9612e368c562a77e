"""What has become of own tracks whose reports have stopped: stale, lost, let go; and of sources that fell silent.

The law: a track never vanishes. A stale one is reckoned with, as wide as it may have gone (geo/staleness.py). A lost
one is not reckoned with any more, but its advisories stand as they were last told, and it is counted, until it is heard
again, an officer lets it go, or `track_kept_ms` have passed. A source that is silent is said once; its tracks are lost
together.
"""

from collections.abc import Iterable
from itertools import compress
from typing import Final

from keepclear.accord.statement import Precedence
from keepclear.accord.times import span, to_second, zulu
from keepclear.geo.staleness import silent_sources
from keepclear.node.core import Core
from keepclear.node.state import Advisory, Lost

MAX_SOURCES: Final = 100  # silent ones that are remembered; a party has a handful
MAX_NAMED: Final = 5  # flights named in one line; the count says how many there are


def watch(core: Core) -> list[str]:
    """Looks at the age of all own tracks, and says what has changed; the flights that are to be let go."""
    own, settings = core.state.advice, core.state.settings
    stale_ms = core.mono_ms - settings.track_stale_ms
    heard_ms = own.fleet.heard_ms()
    stale = list(compress(own.fleet.places, heard_ms <= stale_ms))
    if stale or own.silent:
        _look_at_sources(core)
    _say_stale(core, [flight for flight in stale if flight not in own.stale])
    # Those of a silent source are lost together, when the newest of them is.
    silent_ms = {flight: core.wall_ms - own.silent.get(own.fleet.source(flight), 0) for flight in stale}
    ages_ms = dict(zip(stale, (core.mono_ms - heard_ms[heard_ms <= stale_ms]).tolist(), strict=True))
    del heard_ms
    _lose(core, [flight for flight in stale if min(ages_ms[flight], silent_ms[flight]) > settings.track_lost_ms])
    own.stale = {flight: True for flight in stale if flight in own.fleet}
    return [flight for flight, last in own.lost.items() if core.mono_ms - last.heard_ms > settings.track_kept_ms]


def heard_again(core: Core, flight: str) -> None:
    """A lost track has been reported again."""
    core.state.advice.lost.pop(flight)
    core.show("track", f"the track of {flight} is heard again", facts=("heard", flight))


def let_go(core: Core, flight: str) -> None:
    """Forgets a lost track; its advisories are the caller's to end."""
    own = core.state.advice
    for held in (own.lost, own.doubts):
        held.pop(flight, None)


def is_lost(core: Core, advisory: Advisory) -> bool:
    """Whether a flight of an advisory by tracks is lost."""
    return advisory.flight in core.state.advice.lost or advisory.other in core.state.advice.lost


def age_words(core: Core, *flights: str) -> str:
    """What an advisory says of tracks that are not fresh: "; RFR714 last heard 18:40:12Z"."""
    own = core.state.advice
    old = [flight for flight in flights if flight in own.stale or flight in own.lost]
    return "".join(f"; {flight} {'LOST, ' if flight in own.lost else ''}{_heard(core, flight)}" for flight in old)


def _look_at_sources(core: Core) -> None:
    own = core.state.advice
    sources = [source for source, _ in own.fleet.sayers]
    heard = list(zip(sources, own.fleet.heard_ms().tolist(), strict=True))
    stale_ms = core.state.settings.track_stale_ms
    silent = silent_sources(heard, core.mono_ms, stale_ms)
    # One that comes back under another name, as a port's next connection does, has no tracks any more.
    with_tracks = set(sources) | {last.report.source for last in own.lost.values()}
    own.silent = {source: at_ms for source, at_ms in own.silent.items() if source in with_tracks}
    for source in sorted(set(sources) & set(own.silent) - set(silent)):
        del own.silent[source]
        core.show("source", f"the track source {source!r} is heard again", facts=("heard", source))
    for source, at_ms in silent.items():
        if source in own.silent or len(own.silent) >= MAX_SOURCES:
            continue
        own.silent[source] = core.wall_ms - (core.mono_ms - at_ms)
        count = sources.count(source)
        tracks = "its one track is" if count == 1 else f"its {count} tracks are"
        text = f"the track source {source!r} is silent for {stale_ms // 1_000} s: {tracks} stale"
        core.show("source", text, precedence=Precedence.IMMEDIATE, facts=("silent", source, count))
        core.alarm("source", text)


def _say_stale(core: Core, flights: Iterable[str]) -> None:
    """Those that are advised of are said one by one; the rest is counted, and said with its source."""
    own = core.state.advice
    advised = {flight for a in own.advisories.values() for flight in (a.flight, a.other)}
    for flight in flights:
        if flight in advised and own.fleet.source(flight) not in own.silent:
            text = f"the track of {flight} is stale: {_heard(core, flight)}"
            core.show("track", text, precedence=Precedence.PRIORITY, facts=("stale", flight))


def _lose(core: Core, flights: list[str]) -> None:
    own = core.state.advice
    advised = {flight for a in own.advisories.values() for flight in (a.flight, a.other)}
    quiet: dict[str, list[str]] = {}
    for flight in flights:
        own.lost[flight] = Lost(own.fleet.report(flight), _heard_ms(core, flight))
        source = own.fleet.source(flight)
        for advisory in own.advisories.values():
            if flight in (advisory.flight, advisory.other):
                advisory.text += f"; {flight} LOST, {_heard(core, flight)}"
        if flight in advised:
            text = f"track of {flight} lost, not known to be clear: {_heard(core, flight)}; its advisories stand"
            core.show("lost", text, precedence=Precedence.IMMEDIATE, facts=(flight,))
        else:
            quiet.setdefault(source, []).append(flight)
    if flights:
        own.fleet.let_go(flights)
    for source, names in sorted(quiet.items()):
        more = "" if len(names) <= MAX_NAMED else f" and {len(names) - MAX_NAMED} more"
        named = ", ".join(names[:MAX_NAMED])
        text = f"tracks lost from {source!r}: {named}{more}; kept for {span(core.state.settings.track_kept_ms)}"
        core.show("lost", text, precedence=Precedence.PRIORITY, facts=tuple(names[:MAX_NAMED]))


def _heard(core: Core, flight: str) -> str:
    at_ms = core.wall_ms - (core.mono_ms - _heard_ms(core, flight))
    return f"last heard {zulu(to_second(at_ms), core.wall_ms)}"


def _heard_ms(core: Core, flight: str) -> int:
    """When a flight that is held, or lost, was last heard, by our monotonic clock."""
    own = core.state.advice
    return own.lost[flight].heard_ms if flight in own.lost else int(own.fleet.heard_ms()[own.fleet.places[flight]])
