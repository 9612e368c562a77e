"""What stands for the network between the sockets of real nodes, and loses some of what it carries."""

import random
import select
import socket
import threading


class Relay(threading.Thread):
    """Carries what comes to one of its ports to that port's target, but for `loss` of it; at 1 it lets nothing through.

    `ports` are by target.
    """

    def __init__(self, targets: list[tuple[str, int]], loss: float = 0.0) -> None:
        super().__init__(daemon=True)
        self.loss = loss
        self.over = False
        self._chance = random.Random(4)
        self._sockets = {}
        for target in targets:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind(("127.0.0.1", 0))
            self._sockets[made] = target
        self.ports = {target: made.getsockname()[1] for made, target in self._sockets.items()}

    def run(self) -> None:
        while not self.over:
            for one in select.select(list(self._sockets), [], [], 0.2)[0]:
                datagram = one.recv(2_000)
                if self._chance.random() >= self.loss:
                    one.sendto(datagram, self._sockets[one])
        for one in self._sockets:
            one.close()
