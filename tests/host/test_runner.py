"""What is set for the whole process before a node runs in it."""

import sys
from typing import cast

import pytest

from keepclear.host import runner
from keepclear.host.config import Config


def test_the_writer_gets_its_turn_from_a_busy_loop_often(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    async def noted(_config: Config, *_: object) -> None:
        seen.append(sys.getswitchinterval())

    before_s = sys.getswitchinterval()
    monkeypatch.setattr(runner, "_run", noted)
    try:
        runner.run(cast("Config", None))
    finally:
        sys.setswitchinterval(before_s)
    assert seen == [pytest.approx(runner.SWITCH_S)]
    assert runner.SWITCH_S < 0.001
