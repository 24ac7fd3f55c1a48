"""The list of detectors is whole: a file, a threshold, an effect and a line in the reference for each."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import wattseal.watch
from wattseal.rules.notes import EFFECTS
from wattseal.watch import DETECTORS
from wattseal.watch.detector import Detector

ROOT = Path(__file__).parents[2]
SHARED = {"detector", "neighbours", "pages", "power", "reach", "uid_guessing"}
"""Files of the room that several detectors use, and what looks at cards instead of messages."""


def test_every_file_of_the_room_is_a_detector_in_the_list() -> None:
    files = {found.name for found in pkgutil.iter_modules(wattseal.watch.__path__)} - SHARED
    listed = {each.code: each for each in DETECTORS}
    assert files == set(listed)
    assert len(listed) == len(DETECTORS)
    for name in files:
        assert importlib.import_module(f"wattseal.watch.{name}").DETECTOR is listed[name]


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda each: each.code)
def test_a_detector_has_an_effect_a_threshold_and_says_why(detector: Detector) -> None:
    assert detector.code in EFFECTS
    assert detector.threshold >= 0
    assert all((detector.title, detector.unit, detector.why, detector.then, detector.moments))


def test_the_reference_lists_them_as_they_are() -> None:
    command = [sys.executable, str(ROOT / "tools/make_detectors.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stderr
