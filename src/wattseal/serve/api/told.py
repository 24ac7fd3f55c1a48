"""What stations told that nothing is decided on: the latest message of each action, as it was told."""

from wattseal.flow.told import REPORT, Report
from wattseal.serve.api.kept import kept_list

ROUTES = (kept_list("told", REPORT, Report, "List a station's latest messages that are kept as told, one an action."),)
