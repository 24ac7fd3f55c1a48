"""The keys of a CPO's directory, made at its first start, and the trust file beside them."""

from datetime import datetime
from pathlib import Path

from wattseal.app.system import SystemRandom
from wattseal.base.errors import ConfigError
from wattseal.bundle.trust import Trust
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.crypto.message_keys import read_message_certificate, self_signed
from wattseal.evidence.ocpp_jws_build import MessageSigner
from wattseal.log.keys import SignatureType
from wattseal.log.keys import SigningKey as LogKey
from wattseal.parties.cpo import CpoKeys
from wattseal.stores.keyfiles import KeyFiles


def load_keys(files: KeyFiles) -> CpoKeys:
    """Return the CPO's keys, making them at the first start."""
    random = SystemRandom()

    def signing() -> bytes:
        return SigningKey.from_seed(Algorithm.ED25519, random.bytes(32)).to_pem()

    def sealing() -> bytes:
        return SealPrivateKey.from_seed(random.bytes(32)).to_pem()

    return CpoKeys(
        csms=SigningKey.from_pem(files.load_or_create("csms-sign.pem", signing)),
        seal=SealPrivateKey.from_pem(files.load_or_create("csms-seal.pem", sealing)),
        billing=SigningKey.from_pem(files.load_or_create("billing-sign.pem", signing)),
    )


def load_message_signer(files: KeyFiles, party: str, now: datetime) -> MessageSigner:
    """Return the key that signs OCPP messages to stations, with its certificate, both made at the first start.

    The certificate says nothing of trust: it is what stations are given, so that they know this CSMS by it.
    """
    random = SystemRandom()

    def fresh() -> bytes:
        return SigningKey.from_seed(Algorithm.ESP256, random.bytes(32)).to_pem()

    key = SigningKey.from_pem(files.load_or_create("message-sign.pem", fresh))

    def certify() -> bytes:
        return self_signed(key, f"{party} messages", int.from_bytes(random.bytes(19)) + 1, now)

    certificate = files.load_or_create("message-sign.cert.pem", certify)
    return MessageSigner(key, read_message_certificate(certificate).thumbprint, certificate)


def load_log_key(files: KeyFiles, origin: str) -> LogKey:
    """Return the log's key, making it at the first start; losing it is fatal for the log."""
    fresh = LogKey(origin, SignatureType.ED25519, SystemRandom().bytes(32))
    return LogKey.from_pem(origin, SignatureType.ED25519, files.load_or_create("log.pem", fresh.to_pem))


def load_trust(path: Path | None) -> Trust | None:
    """Read the trust file; `ConfigError` where it cannot be read."""
    if path is None:
        return None
    try:
        return Trust.parse(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read the trust file: {error.strerror}", subject=str(path)) from error
