"""One statement of every kind, as spec/statements.md shows it: the story of 17 September 2018, with round numbers."""

from tests.accord.tell import volume, z

from keepclear.accord import in_force
from keepclear.accord.people import parse_altitude, parse_area
from keepclear.accord.shape import GROUND, UNKNOWN_VOLUME, UNLIMITED, Volume
from keepclear.accord.statement import (
    Accept,
    Acknowledgement,
    Activated,
    Activity,
    AllClear,
    Amend,
    Answer,
    Body,
    Cancel,
    CeaseNow,
    Channel,
    ChannelState,
    Clarify,
    Distress,
    Doubt,
    Ended,
    Hazard,
    HazardKind,
    HazardSource,
    KeyList,
    LineReply,
    LineTest,
    Link,
    Notice,
    Receipt,
    Step,
    Understanding,
)
from keepclear.accord.understanding import WithinArea, standard_rules, to_wire

SQUARE = Volume(
    parse_area("polygon 35.4,35.7 35.4,35.9 35.6,35.9 35.6,35.7"),
    pos_err_cm=5_000,
    lower=GROUND,
    upper=parse_altitude("FL100"),
)
CORRIDOR = Volume(parse_area("corridor 4nm 35.4,35.9 35.6,36.2"), lower=parse_altitude("1500m AMSL"), upper=UNLIMITED)
BOX = Volume(parse_area("polygon 34.6,34.9 34.6,36.9 36.0,36.9 36.0,34.9"), lower=GROUND, upper=UNLIMITED)
AGREED = WithinArea("G1", "Activities stay in the agreed area.", volume("circle 35.4,35.9 55km", upper="UNL"))

EXAMPLES: tuple[Body, ...] = (
    Notice(activity=Activity.HAZARDOUS, volumes=(UNKNOWN_VOLUME,), start_ms=z("18:40:00"), end_ms=None, text="north"),
    Amend(
        activity=Activity.HAZARDOUS, volumes=(SQUARE,), start_ms=z("18:40:00"), end_ms=z("19:10:00"), contact="130.0"
    ),
    Cancel(text="weather"),
    Activated(at_ms=z("18:40:00")),
    Ended(at_ms=z("19:02:00"), residual=True),
    Hazard(
        hazard=HazardKind.AIR_DEFENCE_ACTIVITY, source=HazardSource.THIRD_PARTY, volumes=(BOX,), since_ms=z("18:51:00")
    ),
    AllClear(at_ms=z("20:30:00")),
    Clarify(doubts=Doubt.AREA + Doubt.END),
    Answer(volumes=(CORRIDOR,), end_ms=z("19:10:00")),
    Acknowledgement(step=Step.READ_BACK, end_ms=z("19:10:00"), upper_cm=304_800, area="acorn"),
    CeaseNow(volumes=(volume("circle 35.4,35.9 2nm", upper="UNL"),), at_ms=z("18:55:00")),
    Distress(volumes=(volume("circle 35.182,35.643 5km", upper="UNL"),), last_fix_ms=z("19:07:00"), aboard=15),
    Understanding(
        name="coast", version=1, effective_ms=z("00:00:00"), rules=to_wire((*standard_rules(), AGREED)), text=""
    ),
    Accept(),
    Receipt(
        party=1,
        incarnation=bytes(range(8)),
        size=7,
        root=b"\x11" * 32,
        ranges=((5, 2, z("18:39:24"), z("18:39:24")),),
        beyond=((9, b"\x22" * 32, z("18:39:25")),),
    ),
    Link(answered=2, old=((bytes(range(8)), 3, 12, b"\x33" * 32, ((14, b"\x44" * 32),), ((12, 2),)),)),
    LineTest(nonce=bytes(8)),
    LineReply(words="coconut juniper violet"),
    ChannelState(state=Channel.SUSPENDED, until_ms=z("20:00:00"), contact="130.0"),
    in_force.make((b"\x66" * 32, b"\x55" * 32), 1_000),
    KeyList(document=b"\x92\x07\xc0"),
)
