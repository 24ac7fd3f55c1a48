"""How sure it is who charged: the identification levels of OCMF (section 3.4, IL), and what a token can come to.

A number that a card gives to whoever asks is hearsay, whatever else is said of it: no signature of a meter makes
anybody surer of it than the card does. A card that has proved to have its key (seal.card) is SECURE, by the decision of
whoever enrolled that key.
"""

from wattseal.model.token import NO_AUTHORIZATION

NONE, HEARSAY, TRUSTED, VERIFIED, CERTIFIED, SECURE = (
    "NONE",
    "HEARSAY",
    "TRUSTED",
    "VERIFIED",
    "CERTIFIED",
    "SECURE",
)
RISING = (NONE, HEARSAY, TRUSTED, VERIFIED, CERTIFIED, SECURE)
"""From nobody to surely this one."""
ERRORS = frozenset({"MISMATCH", "INVALID", "OUTDATED", "UNKNOWN"})
"""The meter says that the identification failed."""
BARE = frozenset({"ISO14443", "ISO15693", "Local", "MacAddress", "VIN", "EVCCID"})
"""Types of tokens that are a number in the air: it is read from a card or a car and proves nothing."""
_UNSIGNED = {NO_AUTHORIZATION: NONE, "Central": TRUSTED, "KeyCode": TRUSTED, "eMAID": TRUSTED}
"""An app's, a code's and a contract's token are known to come from where the operator or a handshake says."""


def level_of(kind: str) -> str:
    """Return what a token of a type comes to where nothing else is known; hearsay for all that prove nothing."""
    return _UNSIGNED.get(kind, HEARSAY)


def with_signed(before: str | None, signed: str) -> str:
    """Return the level of a session whose meter has signed one: an error stands, and hearsay stays hearsay.

    NONE says that the meter knows nobody, which takes nothing from what the operator knows. Nor does it lower SECURE:
    a card has proved its key to the reader's side, of which the meter was told no more than a number.
    """
    if signed in ERRORS or before is None:
        return signed
    if before in ERRORS or before in {NONE, HEARSAY, SECURE} or signed == NONE:
        return before
    return signed
