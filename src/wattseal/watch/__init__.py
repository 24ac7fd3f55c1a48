"""Detectors: one file each, with its threshold and why. Pure; what each one's note does stands in `rules.notes`."""

from collections.abc import Sequence

from wattseal.model.verdict import Finding
from wattseal.watch import (
    clock_ahead,
    clock_jumped,
    cloned_token,
    end_before_start,
    energy_beyond_rating,
    energy_scale_doubtful,
    evidence_below_pin,
    evidence_replayed,
    held_back,
    implausible_energy,
    implausible_register,
    messages_missing,
    missing_stop,
    negative_register,
    pagination_gap,
    recorded_late,
    register_decreased,
    register_jumped,
    register_rolled_back,
    sequence_gap,
    session_overlap,
    sessions_cut,
    silence,
    time_differs,
    time_implausible,
    unaccounted_energy,
    unaccounted_session,
)
from wattseal.watch.detector import Detector, Moment, Observe, Seen

DETECTORS: tuple[Detector, ...] = (
    time_implausible.DETECTOR,
    recorded_late.DETECTOR,
    time_differs.DETECTOR,
    held_back.DETECTOR,
    clock_ahead.DETECTOR,
    negative_register.DETECTOR,
    implausible_register.DETECTOR,
    register_decreased.DETECTOR,
    register_jumped.DETECTOR,
    register_rolled_back.DETECTOR,
    end_before_start.DETECTOR,
    clock_jumped.DETECTOR,
    implausible_energy.DETECTOR,
    energy_beyond_rating.DETECTOR,
    energy_scale_doubtful.DETECTOR,
    session_overlap.DETECTOR,
    unaccounted_energy.DETECTOR,
    unaccounted_session.DETECTOR,
    evidence_replayed.DETECTOR,
    pagination_gap.DETECTOR,
    sequence_gap.DETECTOR,
    messages_missing.DETECTOR,
    missing_stop.DETECTOR,
    sessions_cut.DETECTOR,
    evidence_below_pin.DETECTOR,
    silence.DETECTOR,
    cloned_token.DETECTOR,
)
"""All of them, in the order in which their notes are told."""


class Watch:
    """The detectors that look, sorted by the moment they look at."""

    __slots__ = ("_by_moment",)

    def __init__(self, detectors: Sequence[Detector] = DETECTORS) -> None:
        self._by_moment: dict[Moment, tuple[Observe, ...]] = {
            moment: tuple(each.observe for each in detectors if moment in each.moments) for moment in Moment
        }

    def look(self, moment: Moment, seen: Seen) -> list[Finding]:
        """Return what is noted at this moment."""
        return [found for observe in self._by_moment[moment] if (found := observe(seen)) is not None]


WATCH = Watch()
"""What every process watches with."""
