"""The models: good within their bounds, broken in every variant, and told in words."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

MODEL = Path(__file__).resolve().parent.parent / "spec" / "model"
INSTALL = "apt-get install spin gcc"


def run(*choice: str, **environment: str) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash")
    assert bash, "the model's run.sh needs bash"
    return subprocess.run(
        [bash, str(MODEL / "run.sh"), *choice],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.fixture(scope="module")
def quick() -> subprocess.CompletedProcess[str]:
    """One quick run, for every test here. A missing checker is a skip on a desk and a failure in CI."""
    missing = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]
    if missing:
        message = f"{' and '.join(missing)} missing: the model was not checked; run: {INSTALL}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return run("--quick")


def rows(quick: subprocess.CompletedProcess[str], kind: str) -> dict[str, str]:
    found = re.findall(rf"^{kind}(.+?) +\d+ states +\d+ s  (.+)$", quick.stdout, re.MULTILINE)
    assert found, f"no line starts with {kind!r} in:\n{quick.stdout}{quick.stderr}"
    return dict(found)


def test_the_good_model_holds_and_every_variant_fails(quick: subprocess.CompletedProcess[str]) -> None:
    assert quick.returncode == 0, quick.stdout + quick.stderr
    assert "NOT AS EXPECTED" not in quick.stdout
    assert set(rows(quick, "good: ").values()) == {"holds"}
    properties = rows(quick, r"(?=[PCRS]\d )")
    assert [name[:2] for name in properties] == ["P1", "P2", "P3", "P4", "P5", "C1", "C2", "R1", "R2", "R3", "S1", "S2"]
    assert set(properties.values()) == {"holds in every run above"}


def test_each_variant_breaks_the_property_that_its_rule_protects(quick: subprocess.CompletedProcess[str]) -> None:
    broken = {name: verdict[:2] for name, verdict in rows(quick, "variant: ").items()}
    assert broken == {
        "RECEIPT_BEFORE_DURABLE": "P3",
        "RECEIPT_BEFORE_DURABLE_LOSES": "P2",
        "SAME_INCARNATION_AFTER_RESTORE": "P1",
        "RETURN_TO_OLD_ONCE_CONFIRMED_BY_ONE": "P1",
        "RETURN_TO_OLD_ONCE_CONFIRMED_BY_ALL": "P1",
        "RETURN_TO_OLD_WITH_NOTHING_IN_FLIGHT": "P1",
        "INCARNATION_FROM_DISK_RESTORED": "P1",
        "INCARNATION_FROM_DISK_CLONED": "P1",
        "NO_ADOPTION": "P4",
        "SENT_BY_OLD_RECEIPTS": "P4",
        "LINK_IS_FINAL": "P4",
        "SEND_BEFORE_DURABLE": "P5",
        "RESUMED_MEMORY_IMAGE": "P1",
        "TOLD_BY_NUMBER": "C1",
        "TOLD_BY_ONE_LINK": "C1",
        "LINK_ONCE": "C2",
        "NO_ADOPTION_BY_A_TWIN": "C2",
        "SAME_INCARNATION_IS_NOT_TOLD": "C2",
        "TAKES_UP_WHAT_IT_HAS_NOT_SAID": "R1",
        "ENDED_BY_A_CLAIM": "R2",
        "SIGNS_AFTER_ITS_END": "R3",
        "A_KEY_ANSWERS_A_KEY": "S1",
        "A_KEY_AGAIN_IS_DROPPED": "S2",
    }


def test_what_the_properties_speak_of_does_happen(quick: subprocess.CompletedProcess[str]) -> None:
    assert set(rows(quick, "happens: ").values()) == {"witnessed"}


def test_the_readme_tells_every_variant_and_its_counterexample(quick: subprocess.CompletedProcess[str]) -> None:
    readme = (MODEL / "README.md").read_text()
    untold = [name for name in rows(quick, "variant: ") if f"**{name}**" not in readme]
    assert not untold


def test_a_missing_checker_is_loud_and_names_the_one_command(tmp_path: Path) -> None:
    silent = run("--quick", PATH=str(tmp_path))
    assert silent.returncode == 3
    assert "the model was NOT checked" in silent.stderr
    assert INSTALL in silent.stderr


def test_an_unknown_variant_is_refused_with_the_ones_there_are(quick: subprocess.CompletedProcess[str]) -> None:
    refused = run("--trail", "NO_SUCH_RULE")
    assert refused.returncode == 2
    assert all(name in refused.stderr for name in rows(quick, "variant: "))
