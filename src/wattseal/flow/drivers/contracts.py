"""Plug and Charge: contract certificates shown with an Authorize, judged by chain and by OCSP (2.x C07).

What cannot be verified is not accepted: without a trusted root, a responder on the list or an answer there is
CertChainError.
"""

from collections.abc import Sequence

from wattseal.base.errors import InputError
from wattseal.crypto.certificates import Certificate, read_bundle
from wattseal.crypto.ocsp import Target, is_issued_by, question_about, read_response, request_for
from wattseal.flow.turn import Turn
from wattseal.model.facts import AuthorizationRequested
from wattseal.rules.contracts import ChainStatus, path_of


async def judge(turn: Turn, fact: AuthorizationRequested) -> ChainStatus:
    """Return what the certificate that came with a token is worth."""
    roots = turn.world.contract_roots
    if fact.certificate is None:
        questions = [(Target(h.algorithm, h.issuer_name_hash, h.issuer_key_hash, h.serial), u) for h, u in fact.hashes]
        try:
            anchored = any(is_issued_by(target, root) for target, _ in questions for root in roots)
        except InputError:
            anchored = False
        return await _revocation(turn, questions, roots) if anchored else ChainStatus.CHAIN_ERROR
    try:
        chain = read_bundle(fact.certificate.encode())
    except InputError:
        return ChainStatus.CHAIN_ERROR
    path = path_of(chain, roots, fact.id_token, turn.world.clock.now())
    if path.status is not ChainStatus.ACCEPTED:
        return path.status
    issuers = (*roots, *(above for _, above in path.links))
    return await _revocation(turn, [question_about(one, above) for one, above in path.links], issuers)


async def _revocation(
    turn: Turn, questions: Sequence[tuple[Target, str | None]], issuers: tuple[Certificate, ...]
) -> ChainStatus:
    """Ask the responders; every certificate of the chain has to be Good (C07.FR.05)."""
    for target, url in questions:
        said = None if url is None else await _said(turn, target, url, issuers)
        if said == "Revoked":
            return ChainStatus.REVOKED
        if said != "Good":
            return ChainStatus.CHAIN_ERROR
    return ChainStatus.ACCEPTED


async def _said(turn: Turn, target: Target, url: str, issuers: tuple[Certificate, ...]) -> str | None:
    """Return what the responder proves of a certificate; None where it proves nothing that is still in force."""
    responders = turn.world.responders
    try:
        der = None if responders is None else await responders.ask(url, request_for(target))
        if der is None:
            return None
        told = read_response(der, target, [issuer.x509() for issuer in issuers])
    except InputError:
        return None
    over = told.next_update is not None and told.next_update < turn.world.clock.now()
    return told.status if told.verified and not over else None
