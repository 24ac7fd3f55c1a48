import pytest

from wattseal.base.errors import InputError
from wattseal.bundle.trust import LogKey, Trust, WitnessKey
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.log.keys import SignatureType, VerifierKey
from wattseal.parties.registry import EnrolmentError, EnrolmentRequest, Enrolments, make_trust
from wattseal.seal.dcbor import CborError
from wattseal.seal.item import Kind
from wattseal.seal.registry import Entry, Refusal, Role, Use, entry_from


def key(n: int) -> SigningKey:
    return SigningKey.from_seed(Algorithm.ED25519, bytes([n]) * 32)


ROOT, EMSP, EDGE, CPO = key(1), key(2), key(3), key(4)


def entry(origin: str, role: Role, party: str, spki: bytes, use: Use = Use.SIGN) -> Entry:
    return Entry(0, origin, role, party, party, spki, use, from_ms=1_000)


EMSP_ENTRY = entry("MSP/*", Role.EMSP, "MSP", EMSP.public.spki)
EDGE_ENTRY = entry("CPO/CS001", Role.EDGE, "SITE", EDGE.public.spki)
NEW = Enrolments("reg", ROOT)


def with_emsp() -> Enrolments:
    return NEW.issue(EMSP_ENTRY)[1]


def trust_of(enrolments: Enrolments) -> Trust:
    witness = WitnessKey(VerifierKey("w1", SignatureType.COSIGNATURE_ED25519, EMSP.public.spki[12:]), "MSP")
    log = LogKey(VerifierKey("CPO/log", SignatureType.ED25519, CPO.public.spki[12:]), "CPO")
    return make_trust(enrolments, "REG", logs=[log], witnesses=[witness], quorum=1, entries=enrolments.issued)


def test_a_cpo_cannot_enrol_itself_a_station() -> None:
    with pytest.raises(EnrolmentError, match="consent") as refused:
        with_emsp().issue(EDGE_ENTRY)
    assert refused.value.code == "no_consent_of_a_party_other_than_the_cpo"


def test_a_cpo_that_is_also_an_emsp_cannot_consent_to_its_own_station() -> None:
    both = NEW.issue(entry("CPO/emsp", Role.EMSP, "CPO", CPO.public.spki))[1]
    with pytest.raises(EnrolmentError):
        both.issue(EDGE_ENTRY, [EnrolmentRequest("reg", EDGE_ENTRY).consent(CPO)])


def test_an_edge_is_enrolled_with_an_emsps_consent_and_verifiers_accept_it() -> None:
    request = EnrolmentRequest.parse(EnrolmentRequest("reg", EDGE_ENTRY).encode())
    _, enrolments = with_emsp().issue(request.entry, [request.consent(EMSP)])
    trust = Trust.parse(trust_of(enrolments).to_json())
    signer = trust.registry().signer(EDGE.public.kid, "CPO/CS001", Kind.ENDED, 2_000)
    assert isinstance(signer, Entry)
    assert signer.version == 2


def test_consent_to_one_station_does_not_enrol_another() -> None:
    consent = EnrolmentRequest("reg", EDGE_ENTRY).consent(EMSP)
    with pytest.raises(EnrolmentError):
        with_emsp().issue(entry("CPO/CS002", Role.EDGE, "SITE", EDGE.public.spki), [consent])


def test_consent_for_another_registry_counts_for_nothing() -> None:
    with pytest.raises(EnrolmentError):
        with_emsp().issue(EDGE_ENTRY, [EnrolmentRequest("elsewhere", EDGE_ENTRY).consent(EMSP)])


def test_one_key_has_one_purpose() -> None:
    with pytest.raises(EnrolmentError, match="make a new key"):
        with_emsp().issue(entry("MSP/*", Role.BILLING, "MSP", EMSP.public.spki))


def test_a_sealing_key_cannot_be_enrolled_for_signing() -> None:
    seal = SealPrivateKey.from_seed(b"s" * 32)
    with pytest.raises(InputError):
        NEW.issue(entry("MSP/*", Role.EMSP, "MSP", seal.public.spki))
    assert NEW.issue(entry("MSP/*", Role.EMSP, "MSP", seal.public.spki, Use.SEAL))[1].version == 1


def test_a_revocation_is_a_newer_version_that_cannot_be_taken_back() -> None:
    statement, enrolments = with_emsp().revoke(EMSP.public.kid, 5_000)
    assert entry_from(statement).revoked_ms == 5_000
    registry = trust_of(enrolments).registry()
    assert [e.revoked_ms for e in registry.entries()] == [5_000]
    with pytest.raises(EnrolmentError, match="revoked"):
        enrolments.issue(EMSP_ENTRY)


def test_a_later_revocation_does_not_move_an_earlier_one() -> None:
    enrolments = with_emsp().revoke(EMSP.public.kid, 5_000)[1]
    assert entry_from(enrolments.revoke(EMSP.public.kid, 9_000)[0]).revoked_ms == 5_000


def test_an_unknown_key_cannot_be_revoked() -> None:
    with pytest.raises(EnrolmentError, match="not enrolled"):
        NEW.revoke(EMSP.public.kid, 5_000)


def test_entries_of_an_unknown_root_are_worth_nothing() -> None:
    forged = Enrolments("reg", key(9)).issue(EMSP_ENTRY)[1]
    trust = trust_of(NEW)
    registry = trust.registry(forged.issued)
    assert registry.signer(EMSP.public.kid, "MSP/authorisation", Kind.DECISION, 2_000) == Refusal("unknown_key")


def test_a_quorum_counts_parties_and_must_be_reachable() -> None:
    witness = WitnessKey(VerifierKey("w1", SignatureType.COSIGNATURE_ED25519, EMSP.public.spki[12:]), "MSP")
    twin = WitnessKey(VerifierKey("w2", SignatureType.COSIGNATURE_ED25519, CPO.public.spki[12:]), "MSP")
    with pytest.raises(InputError, match="quorum"):
        make_trust(NEW, "REG", logs=[], witnesses=[witness, twin], quorum=2, entries=[])


@pytest.mark.parametrize("data", [b"", b"\x83", b"\x80", EMSP_ENTRY.issue(ROOT, "reg").encode()])
def test_a_request_file_that_is_none_says_so(data: bytes) -> None:
    with pytest.raises(CborError):
        EnrolmentRequest.parse(data)
