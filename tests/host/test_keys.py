"""Key files are private or refused, whole or absent, and what they sign verifies under suite 1."""

import os
import resource
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keepclear.host import keys
from keepclear.host.keys import KeyFileError
from keepclear.record import suite


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A disk on which no file of this process grows beyond a size: writing fails with EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_seat_key_comes_back_from_its_file_and_signs(tmp_path: Path) -> None:
    path = tmp_path / "duty.key"
    made = keys.create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    read = keys.read_seat_key(path)
    assert (read.seat, read.public) == ("duty", made.public)
    assert suite.verify_ed25519(read.public, b"released", read.sign(b"released"))
    assert not suite.verify_ed25519(read.public, b"released?", read.sign(b"released"))


def test_a_node_signs_with_both_of_its_keys(tmp_path: Path) -> None:
    made = keys.create_node_keys(tmp_path / "node.key")
    read = keys.read_node_keys(tmp_path / "node.key")
    assert (read.public, read.public_mldsa) == (made.public, made.public_mldsa)
    assert suite.verify_ed25519(read.public, b"checkpoint", read.sign(b"checkpoint"))
    assert suite.verify_mldsa(read.public_mldsa, b"checkpoint", read.sign_mldsa(b"checkpoint"))


def test_a_plain_key_file_is_what_openssl_calls_a_private_key(tmp_path: Path) -> None:
    made = keys.create_key(tmp_path / "root.key")
    command = ["openssl", "pkey", "-in", str(tmp_path / "root.key"), "-pubout", "-outform", "DER"]
    try:
        public = subprocess.run(command, capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("no openssl here")
    assert public[-32:] == made.public


def test_under_a_passphrase_the_file_opens_with_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    made = keys.create_node_keys(path, b"correct horse")
    assert b"ENCRYPTED" in path.read_bytes()
    assert keys.read_node_keys(path, b"correct horse").public == made.public
    with pytest.raises(KeyFileError, match="passphrase is wrong or the file is damaged"):
        keys.read_node_keys(path, b"correct house")
    with pytest.raises(KeyFileError, match="kept under a passphrase, none was given"):
        keys.read_node_keys(path)
    with pytest.raises(KeyFileError, match="protects nothing"):
        keys.create_key(tmp_path / "other.key", b"")
    assert not (tmp_path / "other.key").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_file_that_others_can_read_is_refused_with_what_to_run(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "duty.key"
    keys.create_key(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"mode 0{mode:o} lets others read it, 0600 expected: run chmod 600 {path}"):
        keys.read_key(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "duty.key"
    keys.create_key(path)
    os.chown(path, 65534, -1)
    with pytest.raises(KeyFileError, match="belongs to user 65534"):
        keys.read_key(path)


def test_no_key_is_ever_written_over(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    keys.create_node_keys(path)
    before = path.read_bytes()
    for create in (keys.create_key, keys.create_node_keys):
        with pytest.raises(KeyFileError, match="already there and is not overwritten"):
            create(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["node.key"]


def test_on_a_full_disk_there_is_no_key_and_no_remains_of_one(tmp_path: Path) -> None:
    with files_of_at_most(40), pytest.raises(KeyFileError, match=r"node\.key: not written: File too large"):
        keys.create_node_keys(tmp_path / "node.key")
    assert os.listdir(tmp_path) == []


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def change_a_digit(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def drop_the_head(data: bytes) -> bytes:
    return data.partition(b"\n")[2]


@pytest.mark.parametrize("harm", [cut, drop_the_head, lambda _: b"", lambda _: bytes(range(256))])
def test_a_damaged_file_says_so(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "node.key"
    keys.create_node_keys(path)
    path.write_bytes(harm(path.read_bytes()))
    with pytest.raises(KeyFileError, match=str(path)):
        keys.read_node_keys(path)


def test_damage_under_a_passphrase_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "duty.key"
    keys.create_key(path, b"x")
    path.write_bytes(change_a_digit(path.read_bytes()))
    with pytest.raises(KeyFileError, match="damaged"):
        keys.read_key(path, b"x")
    path.write_bytes(keys.PASSPHRASE_HEADER.encode() + b"zz\n")
    with pytest.raises(KeyFileError, match="the first line is damaged"):
        keys.read_key(path, b"x")


def test_one_kind_of_file_is_not_taken_for_another(tmp_path: Path) -> None:
    keys.create_key(tmp_path / "duty.key")
    keys.create_node_keys(tmp_path / "node.key")
    with pytest.raises(KeyFileError, match="an Ed25519 key and an ML-DSA-44 key"):
        keys.read_node_keys(tmp_path / "duty.key")
    with pytest.raises(KeyFileError, match="one Ed25519 key expected"):
        keys.read_key(tmp_path / "node.key")


def test_a_directory_is_made_private_or_refused(tmp_path: Path) -> None:
    keys.private_directory(tmp_path / "north" / "seats")
    assert stat.S_IMODE((tmp_path / "north" / "seats").stat().st_mode) == 0o700
    (tmp_path / "north").chmod(0o755)
    with pytest.raises(KeyFileError, match="mode 0755 lets others in, 0700 expected"):
        keys.private_directory(tmp_path / "north")
    (tmp_path / "file").touch()
    with pytest.raises(KeyFileError, match="cannot be made a private directory"):
        keys.private_directory(tmp_path / "file")


def test_a_fingerprint_is_eight_groups_of_four() -> None:
    # sha256 of the empty string, as in FIPS 180-4's examples
    assert keys.fingerprint(b"") == "e3b0 c442 98fc 1c14 9afb f4c8 996f b924"
