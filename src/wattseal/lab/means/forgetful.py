"""A CPO that knows nothing again: no message that is told a second time, and no energy that has been billed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from wattseal.crypto.hashes import sha256
from wattseal.flow.charges import charge
from wattseal.flow.money import billing
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.lab.means.kept_back import without
from wattseal.lab.null import swapped
from wattseal.model.transaction import Transaction

NEIGHBOURS = ("session_overlap", "register_rolled_back")
"""Detectors that see a second session on energy another one has had."""
LAYERS = "starts have no key by which they are known again, sessions are not held against their neighbours, and energy "
LAYERS += "that was billed has no hash"
"""What is taken out."""


@contextmanager
def forgetful(cpo: Clockwork) -> Iterator[None]:
    """Take out all three layers that know a session again: with any one of them left it would be billed once."""
    with ExitStack() as stack:
        stack.enter_context(swapped(charge, "start_key", lambda _: f"start:{cpo.next_id()}"))
        stack.enter_context(swapped(billing, "evidence_hash", _of_itself))
        stack.enter_context(swapped(cpo.world, "watch", without(*NEIGHBOURS)))
        yield


def _of_itself(party: str, transaction: Transaction) -> bytes:
    """Return a hash that no two sessions share, whatever they measured."""
    return sha256(f"{party}/{transaction.id}".encode())
