"""Asking a running node over its control socket, from another process of the same user."""

import socket
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

SOCKET: Final = "control.sock"
TIMEOUT_S: Final = 15.0
MAX_LINE: Final = 16_777_216
MAX_UNANSWERED: Final = 400  # requests on their way at once; their answers fit the socket's buffer


class NodeError(Exception):
    """The node is not there or does not do what is asked; `hint` says what to do."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


class Client:
    """A connection to the node whose private directory this is."""

    def __init__(self, directory: Path) -> None:
        """Connects. Raises NodeError when no node runs there."""
        path = directory / SOCKET
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(TIMEOUT_S)
        try:
            self._socket.connect(short(path))
        except OSError as error:
            self._socket.close()
            raise NodeError(
                f"no node answers in {directory}: {error.strerror}", "start it with: keepclear run DIR/node.toml"
            ) from error
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._file.close()
        self._socket.close()

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """One request and its answer. Raises NodeError when the node refuses, with its own words."""
        self._send({"do": do, **request})
        return self._answer()

    def ask_all(self, requests: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Many requests, each with its `do`, sent without waiting for the answers, which come in the same sequence.

        Raises NodeError as `ask` does; then it is not known what became of the requests that were sent after that one.
        """
        waiting, asked = iter(requests), 0
        while True:
            if asked <= MAX_UNANSWERED // 2:  # many at once cost both ends less than one by one
                lot = list(islice(waiting, MAX_UNANSWERED - asked))
                self._send(*lot)
                asked += len(lot)
            if not asked:
                return
            yield self._answer()
            asked -= 1

    def follow(self) -> Iterator[dict[str, Any]]:
        """All that the node shows from now on. The connection is of no other use after this."""
        self._send({"do": "follow"})
        self._socket.settimeout(None)
        while True:
            try:
                yield self._read()
            except NodeError:
                return

    def _send(self, *requests: dict[str, Any]) -> None:
        try:
            self._socket.sendall(b"".join([msgspec.json.encode(request) + b"\n" for request in requests]))
        except OSError as error:
            raise NodeError(f"the node has gone away: {error.strerror}", "look why it ended; start it again") from error

    def _answer(self) -> dict[str, Any]:
        answer = self._read()
        if not answer.get("ok"):
            raise NodeError(str(answer.get("error", "no reason given")), str(answer.get("hint", "")))
        return answer

    def _read(self) -> dict[str, Any]:
        try:
            line = self._file.readline(MAX_LINE)
        except OSError as error:
            raise NodeError(f"the node does not answer: {error}", "look at keepclear status") from error
        if not line.endswith(b"\n"):
            raise NodeError("the node has gone away", "look why it ended; start it again")
        return msgspec.json.decode(line, type=dict[str, Any])


def short(path: Path) -> str:
    """The path as a socket address, which may have only 107 bytes: from the present directory, if that is shorter."""
    try:
        here = str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        here = str(path)
    return min(str(path), here, key=len)
