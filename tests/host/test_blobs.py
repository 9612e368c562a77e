"""Attached files on the disk: whole or not there, as their hash says or put aside, and bounded."""

from pathlib import Path

import pytest

from keepclear.accord import attached
from keepclear.host.blobs import BlobError, Blobs

DATA = b"a map of the river" * 100
DIGEST = attached.digest(DATA)


def test_a_file_is_kept_whole_under_its_hash_for_its_owner_alone(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert blobs.read(DIGEST) is None
    assert blobs.add(DATA) == DIGEST
    assert blobs.add(DATA) == DIGEST, "a second time nothing happens"
    assert blobs.read(DIGEST) == DATA
    assert blobs.path(DIGEST).stat().st_mode & 0o777 == 0o600
    assert blobs.path(DIGEST).parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in blobs.path(DIGEST).parent.iterdir()] == [DIGEST.hex()]


def test_a_damaged_file_is_never_given_out_and_is_kept_aside(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.add(DATA)
    blobs.path(DIGEST).write_bytes(DATA[:-1] + b"x")
    assert blobs.read(DIGEST) is None
    assert blobs.path(DIGEST).with_suffix(".damaged").exists()
    blobs.add(DATA)
    assert blobs.read(DIGEST) == DATA


def test_what_is_not_whole_is_gone_on_with_and_has_no_name(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.go_on(DIGEST, len(DATA), 0, DATA[:1_000])
    assert Blobs(tmp_path).begun(DIGEST, len(DATA)) == 1_000
    assert blobs.begun(DIGEST, len(DATA) - 1) == 0, "whoever names another size has another beginning"
    assert blobs.read(DIGEST) is None
    blobs.go_on(DIGEST, len(DATA), 900, DATA[900:])
    assert blobs.finish(DIGEST, len(DATA))
    assert blobs.read(DIGEST) == DATA
    assert blobs.begun(DIGEST, len(DATA)) == 0


def test_bytes_that_do_not_fit_the_hash_are_let_go(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.go_on(DIGEST, len(DATA), 0, bytes(len(DATA)))
    assert not blobs.finish(DIGEST, len(DATA))
    assert blobs.read(DIGEST) is None
    assert blobs.total_bytes() == 0
    assert not blobs.finish(DIGEST, len(DATA)), "and nothing at all is not whole"


@pytest.mark.parametrize("size", [0, attached.MAX_BYTES + 1])
def test_a_file_of_no_size_or_too_large_a_one_is_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(BlobError, match=f"{size} bytes, 1 to"):
        Blobs(tmp_path).add(bytes(size))


def test_all_files_together_are_bounded(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, most_bytes=2_000)
    blobs.add(DATA)
    with pytest.raises(BlobError, match="1800 bytes of attached files are here, at most 2000"):
        blobs.add(DATA + b"!")
    with pytest.raises(BlobError, match="at most 2000"):
        blobs.go_on(bytes(32), 9_000, 0, bytes(500))


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.add(DATA)
    blobs.path(bytes(32)).with_suffix(".9000.part").mkdir()
    with pytest.raises(BlobError, match="Is a directory"):
        blobs.go_on(bytes(32), 9_000, 0, bytes(500))
