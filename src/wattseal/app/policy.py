"""What an operator has chosen, as the flow needs it."""

from wattseal.app.settings import Settings
from wattseal.flow.world import Settings as Policy
from wattseal.model.token import canonical


def policy_of(settings: Settings) -> Policy:
    """Return the flow's settings."""
    master = settings.tokens.master_group
    return Policy(
        mmd_s=settings.log.mmd_s,
        master_group=None if master is None else canonical(master),
        one_per=settings.tokens.one_charge_per,
        list_parties=frozenset(partner.party for partner in settings.partners if partner.local_lists),
    )
