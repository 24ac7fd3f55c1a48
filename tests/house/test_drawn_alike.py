"""What tests draw is the same in every run, alone and among others; `make explore` draws anew."""

import os
import subprocess
import sys
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st
from tests.support.doc_tree import ROOT
from tests.support.examples import EXPLORE

FIRST = "from tests.support.examples import draw_alike, register_profiles; register_profiles();"


def drawn() -> str:
    """Return a digest of what a test of numbers, words and bytes draws in this process."""
    seen = []

    @given(st.integers(), st.text(), st.binary())
    def draw(number: int, text: str, data: bytes) -> None:
        seen.append((number, text, data))

    draw()
    return sha256(repr(seen).encode()).hexdigest()


def drawn_elsewhere(words: str, **environ: str) -> str:
    """Return it as a process of its own draws it, after these words."""
    code = f"{FIRST} {words}; from tests.house.test_drawn_alike import drawn; print(drawn())"
    env = os.environ | environ
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=env)  # noqa: S603 - this interpreter
    return done.stdout.strip()


def test_a_process_with_other_things_imported_draws_the_same() -> None:
    assert drawn_elsewhere("draw_alike(); import wattseal.rules.chart, wattseal.seal.fields") == drawn()


def test_without_that_what_is_imported_changes_what_is_drawn() -> None:
    assert drawn_elsewhere("import wattseal.rules.chart, wattseal.seal.fields") != drawn()


def test_exploring_draws_anew() -> None:
    explore = f"from hypothesis import settings; settings.load_profile({EXPLORE!r})"
    assert drawn_elsewhere(explore) != drawn_elsewhere(explore)
    assert drawn_elsewhere(explore, CI="true") != drawn_elsewhere(explore, CI="true")
