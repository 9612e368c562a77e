"""What goes with a statement: a file that the officer names, or the exact outline where a FLASH has room for less.

The law: the bytes lie beside the node's journal, under their hash, before the statement that names them is said. A
warning never waits for a file and is never refused for one: where there is no room for its name, it goes without.
"""

import mimetypes
from pathlib import Path
from typing import Any, Final

import msgspec

from keepclear.accord import attached, canonical, form, shape, statement
from keepclear.accord.attached import Attached
from keepclear.accord.shape import AreaKind, Volume
from keepclear.accord.statement import Body, Precedence
from keepclear.host.cli_errors import Failure

OUTLINE_TYPE: Final = "application/geo+json"


class Enclosure(msgspec.Struct, frozen=True):
    """A file that is to go with a statement: what it is called here, what the statement names, the bytes."""

    name: str
    named: Attached
    data: bytes


def chosen(path: Path | None, exact: Body | None) -> Enclosure | None:
    """The file at a path; if there is none, the outline of a body that a FLASH says more coarsely, if there is one.

    Raises Failure for a file that cannot be read or attached.
    """
    if path is not None:
        media = mimetypes.guess_type(path.name)[0] or attached.PLAIN_TYPE
        media = media if len(media) <= attached.MAX_TYPE_BYTES else attached.PLAIN_TYPE
        return _enclosure(path.name, read(path), media)
    if exact is None:
        return None
    return _enclosure("the exact outline", outline(getattr(exact, "volumes", ())), OUTLINE_TYPE)


def with_name(body: Body, enclosure: Enclosure | None, precedence: int) -> tuple[Body, Enclosure | None, list[str]]:
    """The statement that names a file, the file, and what the officer is told; without both where there is no room."""
    if enclosure is None:
        return body, None, []
    naming = msgspec.structs.replace(body, blob=enclosure.named.leaf())
    if precedence == Precedence.FLASH and not _fits(naming) and _fits(body):
        return body, None, [f"a FLASH has no room to name {enclosure.name} beside these words: it goes without"]
    named = enclosure.named
    return naming, enclosure, [f"with {enclosure.name}, {attached.words(named)}, SHA-256 {named.digest.hex()[:8]}"]


def read(path: Path) -> bytes:
    """The bytes of a file that may be attached. Raises Failure."""
    try:
        with path.open("rb") as file:
            data = file.read(attached.MAX_BYTES + 1)
    except OSError as error:
        raise Failure(f"{path}: cannot be read: {error.strerror}", "name a file that is there") from error
    if not 0 < len(data) <= attached.MAX_BYTES:
        size = f"more than {attached.MAX_BYTES}" if data else "0"
        hint = "attach a smaller file, or send it by other means and say so in the text"
        raise Failure(f"{path}: {size} bytes, 1 to {attached.MAX_BYTES} can be attached", hint)
    return data


def outline(volumes: tuple[Volume, ...]) -> bytes:
    """The polygons of a statement as GeoJSON, each point as it was given."""
    features: list[dict[str, Any]] = []
    for volume in volumes:
        if volume.area[:1] == (AreaKind.POLYGON,):
            ring = [[lon / 10_000_000, lat / 10_000_000] for lon, lat in shape.points(volume.area)]
            polygon = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
            features.append({"type": "Feature", "properties": {}, "geometry": polygon})
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _enclosure(name: str, data: bytes, media: str) -> Enclosure:
    return Enclosure(name, Attached(attached.digest(data), len(data), media), data)


def _fits(body: Body) -> bool:
    try:
        return len(statement.to_bytes(body)) <= form.MAX_FLASH_BODY_BYTES
    except canonical.NotCanonical:
        return True  # the form says what is wrong with it
