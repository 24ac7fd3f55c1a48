"""Phoenix Contact."""

from wattseal.rules.quirks.quirk import Effect, Quirk

QUIRKS = (
    Quirk(
        Effect.NAME_AN_EVSE,
        vendor="phoenix.?contact.*",
        model=".*charx.*",
        why="with two connectors a RemoteStartTransaction without connectorId is rejected",
        source="https://github.com/ConnectorIO/connectorio-addons/pull/332",
    ),
)
