"""What to do about an alarm, in English: the detector's word where one raised it."""

from wattseal.model.alarm import Alarm
from wattseal.serve.web.alarm_words import advice_of
from wattseal.watch import DETECTORS

_THEN = {detector.code: detector.then for detector in DETECTORS}


def action_of(alarm: Alarm) -> str:
    """Return what is suggested to do."""
    then = _THEN.get(alarm.code)
    return advice_of(alarm.code, transaction=alarm.transaction is not None) if then is None else then


def runbook_of(code: str) -> str:
    """Return the path, on this process, of the page that says more."""
    return f"/alarms/runbooks/{code}"
