"""EVBox."""

from wattseal.rules.quirks.quirk import Effect, Quirk

QUIRKS = (
    Quirk(
        Effect.NO_STATION_MAX_PROFILE,
        vendor="ev.?box.*",
        why="a ChargePointMaxProfile is rejected, the same limit as TxDefaultProfile is taken",
        source="https://github.com/lbbrhzn/ocpp/issues/221",
    ),
)
