"""How sure it is who charged, by the signed records in a bundle, and whose word that is (docs/spec/bundle.md).

The levels are those of OCMF. Nobody's word is made surer than it is: where the kind of token is not shown, what a meter
was told says no more than hearsay.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from wattseal.base.errors import InputError
from wattseal.bundle.agreement import decision_of, request_of
from wattseal.bundle.case import Case
from wattseal.bundle.report import Identification
from wattseal.model.identity_level import ERRORS, HEARSAY, RISING, level_of, with_signed
from wattseal.seal.fields import Decision, Identity
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.registry import Entry


def identification(case: Case) -> Identification:
    """Return how sure it is who charged, in a bundle whose every step held."""
    started = case.of_kind(Kind.STARTED)
    decision = decision_of(case, started)
    found = None if decision is None else _decided(case, decision)
    if found is None:
        request = None if decision is None else request_of(case, decision)
        found = _told(case, [item for item in (request, started) if item is not None])
    for entry, signed in case.meter_levels:
        found = _with_signed(found, signed, f"{entry.party} ({entry.role.name.lower()})")
    return found


def _decided(case: Case, decision: Item) -> Identification | None:
    """Return what whoever decided says of more than a number that was shown."""
    told = Decision.read(decision.payload.public).identified
    if told is None or told[0] not in RISING:
        return None
    word, said_by = _word(case, decision, "decider")
    return Identification(told[0], "decision", word, said_by, told[1].hex())


def _told(case: Case, items: Sequence[Item]) -> Identification:
    """Return what the kind of token comes to that was told and recorded in the first of `items` that is open."""
    named = [item for item in items if Group.IDENTITY in item.payload.groups]
    for item in named:
        content = case.contents.get((item.hash, Group.IDENTITY))
        if content is None:
            continue
        try:
            kind = Identity.read(content.fields).type
        except InputError:
            return Identification(None, "not_told")
        return Identification(level_of(kind), "token", *_word(case, item, "recorder"))
    return Identification(None, "hidden" if named else "not_told")


def _word(case: Case, item: Item, other: str) -> tuple[str, str]:
    """Return whose word a record is, and its signer: the operator's is nobody's but its own."""
    entry: Entry = case.signers[item.hash]
    own = case.cpo in {entry.party, entry.custodian}
    return "operator" if own else other, f"{entry.party} ({entry.role.name.lower()})"


def _with_signed(found: Identification, signed: str, who: str) -> Identification:
    """Return what is found with what a meter signed: it lowers a level, or raises one that was more than hearsay."""
    told = found if found.meter in ERRORS else replace(found, meter=signed)
    if found.level is None and signed not in ERRORS and signed != HEARSAY:
        return told
    level = with_signed(found.level, signed)
    return told if level == found.level else replace(told, level=level, basis="meter", word="meter", said_by=who)
