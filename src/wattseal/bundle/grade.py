"""Evidence grades, never rounded up (docs/spec/bundle.md, "Grades")."""

from dataclasses import dataclass

from wattseal.model.verdict import Grade, Source

COSIGN_WITHIN_S = 24 * 3600
"""A record is worth G1 if a party other than the log's cosigned it within this time."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a charge once its records are checked.

    `source` is who signed start and end, CSMS where only the CPO's own system did, or a source in the CPO's custody.
    `independent_cosigners` counts distinct parties, none of them the log's or the signer's; `cosigned_in_time`
    whether a party other than the log's cosigned within 24 h. `complete` means the chain from start to end has no gap
    (for records of the CSMS: OCPP seqNo and meter pagination have none either).
    """

    source: Source
    cosigned_in_time: bool
    independent_cosigners: int
    complete: bool
    forwarder_can_read: bool


def grade(standing: Standing) -> Grade:
    """Return the highest grade whose conditions hold.

    A source's own signature keeps what G1 promises (nobody can change the value later) without a log, so G2 does not
    wait for a cosignature; unsigned data has nothing but the log and is G0 until another party has cosigned it.
    """
    if standing.source is Source.CSMS:
        return Grade.G1 if standing.cosigned_in_time else Grade.G0
    if not standing.complete or not standing.cosigned_in_time or standing.independent_cosigners < 2:
        return Grade.G2
    return Grade.G3 if standing.forwarder_can_read else Grade.G4
