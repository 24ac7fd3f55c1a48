"""OpenEVSE."""

from wattseal.rules.quirks.quirk import Effect, Quirk

QUIRKS = (
    Quirk(
        Effect.REGISTER_UNIT_DOUBTFUL,
        vendor="openevse.*",
        firmware=r"v?4\.2\.2\b.*",
        why="the energy register is in kWh and says Wh",
        source="https://github.com/OpenEVSE/openevse_esp32_firmware/issues/703",
    ),
)
