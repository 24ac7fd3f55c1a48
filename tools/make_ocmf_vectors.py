"""Write docs/spec/vectors/ocmf/*.json: `PYTHONPATH=src python tools/make_ocmf_vectors.py`.

Expectations are stated here by hand, never computed by the code under test; keys and nonces are deterministic, so that
a second run changes nothing. Each file: {"name", "why", "record" (UTF-8 text) or "record_hex", "keys" (hex: SPKI DER or
bare point), "expect": {"verdict", "reason", "energy_wh" (decimal string or null), "findings" (set of codes)}}.
"""

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

OUT = Path(__file__).parents[1] / "docs" / "spec" / "vectors" / "ocmf"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CURVES: dict[str, ec.EllipticCurve] = {
    "secp192r1": ec.SECP192R1(),
    "secp256k1": ec.SECP256K1(),
    "secp256r1": ec.SECP256R1(),
    "brainpool256r1": ec.BrainpoolP256R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "secp384r1": ec.SECP384R1(),
    "brainpool384r1": ec.BrainpoolP384R1(),
}
START = '{"TM":"2026-03-01T10:00:00,000+0100 S",'
BEGIN = START + '"TX":"B","RV":1000.500,"RI":"01-00:01.08.00*FF","RU":"kWh","EF":"","ST":"G"}'
END = '{"TM":"2026-03-01T10:30:00,000+0100 S","TX":"E","RV":1012.750}'
HEAD = (
    '"FV":"1.4","GI":"vector","GS":"GW-1","PG":"T7","MV":"vector","MM":"vector","MS":"METER-1","IS":false,"IT":"NONE"'
)
VALID = ("VALID", "signature_valid", "12250", ["identity_none"])


def key(name: str, owner: str = "meter") -> ec.EllipticCurvePrivateKey:
    """Derive a key from its name."""
    seed = int.from_bytes(hashlib.sha384(f"wattseal vector {owner} {name}".encode()).digest()[:23])
    return ec.derive_private_key(seed, CURVES[name])


def spki(private: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key as SPKI DER."""
    return private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def point(private: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key as an uncompressed point."""
    return private.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def payload(readings: str = f"{BEGIN},{END}", head: str = HEAD) -> str:
    """Return a payload section."""
    return f'{{{head},"RD":[{readings}]}}'


def sign(text: str, private: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a DER signature that is always the same."""
    return private.sign(text.encode(), ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def record(text: str, name: str = "secp256r1", *, sd: str | None = None, owner: str = "meter") -> str:
    """Return a record; `sd` replaces the signature data."""
    data = sign(text, key(name, owner)).hex() if sd is None else sd
    return f'OCMF|{text}|{{"SA":"ECDSA-{name}-SHA256","SD":"{data}"}}'


def write(
    name: str,
    why: str,
    text: str | bytes,
    keys: list[bytes],
    expect: tuple[str, str, str | None, list[str]],
) -> None:
    """Write one vector."""
    verdict, reason, energy_wh, findings = expect
    body: dict[str, Any] = {"name": name, "why": why}
    if isinstance(text, bytes):
        body["record_hex"] = text.hex()
    else:
        body["record"] = text
    body["keys"] = [k.hex() for k in keys]
    body["expect"] = {"verdict": verdict, "reason": reason, "energy_wh": energy_wh, "findings": sorted(findings)}
    (OUT / f"{name}.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def curves_and_keys() -> None:
    """Every curve, key forms, wrong and foreign keys."""
    good = payload()
    p256 = key("secp256r1")
    for name in CURVES:
        write(f"curve-{name}", f"good record on {name}", record(good, name), [spki(key(name))], VALID)
    write("key-bare-65", "the key as a bare point with its 04", record(good), [point(p256)], VALID)
    write("key-bare-64", "the key as X || Y", record(good), [point(p256)[1:]], VALID)
    write(
        "key-second-of-two",
        "any supplied key may have signed",
        record(good),
        [spki(key("secp384r1")), spki(p256)],
        VALID,
    )
    no_energy: list[str] = ["identity_none"]
    other = spki(key("secp256r1", "attacker"))
    write(
        "key-substituted",
        "another meter's key",
        record(good),
        [other],
        ("INVALID", "signature_mismatch", None, no_energy),
    )
    forged = record(good, owner="attacker")
    write(
        "key-forger",
        "signed by an attacker, checked under the enrolled key",
        forged,
        [spki(p256)],
        ("INVALID", "signature_mismatch", None, no_energy),
    )
    write(
        "key-wrong-curve",
        "a key on another curve than the algorithm's",
        record(good),
        [spki(key("secp256k1"))],
        ("INVALID", "key_curve_mismatch", None, no_energy),
    )
    unknown = ("UNKNOWN_KEY", "bad_key", None, no_energy)
    off = spki(p256)[:-1] + bytes([spki(p256)[-1] ^ 1])
    write("key-off-curve", "a point that is not on the curve", record(good), [off], unknown)
    write("key-trailing-byte", "SPKI with a byte behind", record(good), [spki(p256) + b"\0"], unknown)
    write("key-none", "no key supplied", record(good), [], ("UNKNOWN_KEY", "no_key", None, no_energy))
    k192 = record(good, sd=sign(good, key("secp192r1")).hex()).replace("secp256r1", "secp192k1")
    write(
        "curve-secp192k1",
        "a curve that is not computed here: said, not guessed",
        k192,
        [spki(p256)],
        ("UNKNOWN_KEY", "curve_unsupported", None, no_energy),
    )


def signatures() -> None:
    """Write what is and is not a signature."""
    good, p256 = payload(), key("secp256r1")
    keys, none = [spki(p256)], ["identity_none"]
    der = sign(good, p256)
    r, s = decode_dss_signature(der)
    digest = hashlib.sha512(b"wattseal vector noise").digest()
    not_der = ("INVALID", "signature_not_der", None, none)
    write("signature-noise-32", "32 random bytes: a known fake", record(good, sd=digest[:32].hex()), keys, not_der)
    write("signature-noise-64", "64 random bytes", record(good, sd=digest.hex()), keys, not_der)
    noise = encode_dss_signature(int.from_bytes(digest[:31]), int.from_bytes(digest[32:63]))
    write(
        "signature-noise-der",
        "random numbers in good DER",
        record(good, sd=noise.hex()),
        keys,
        ("INVALID", "signature_mismatch", None, none),
    )
    raw = (r.to_bytes(32) + s.to_bytes(32)).hex()
    write(
        "signature-raw-rs", "the right numbers, but not DER as the format demands", record(good, sd=raw), keys, not_der
    )
    write("signature-trailing", "a byte behind the DER", record(good, sd=der.hex() + "00"), keys, not_der)
    twin = encode_dss_signature(r, P256_ORDER - s).hex()
    write(
        "signature-twin", "(r, n - s) verifies as well: deduplicate on the message", record(good, sd=twin), keys, VALID
    )
    zero = encode_dss_signature(r, 0).hex()
    write("signature-zero", "s = 0", record(good, sd=zero), keys, not_der)
    write(
        "signature-order",
        "s = n",
        record(good, sd=encode_dss_signature(r, P256_ORDER).hex()),
        keys,
        ("INVALID", "signature_mismatch", None, none),
    )
    write(
        "signature-empty", "no signature data", record(good, sd=""), keys, ("INVALID", "signature_missing", None, none)
    )
    write(
        "signature-no-hex",
        "neither hex nor base64",
        record(good, sd="zz"),
        keys,
        ("INVALID", "signature_encoding", None, none),
    )
    base64 = f'OCMF|{good}|{{"SE":"base64","SD":"{b64encode(der).decode()}"}}'
    write("signature-base64", "base64, as stated", base64, keys, VALID)
    write(
        "signature-base64-excess",
        "a padding character more than base64 has there",
        f'OCMF|{good}|{{"SE":"base64","SD":"{b64encode(der + bytes(-len(der) % 3)).decode()}="}}',
        keys,
        ("INVALID", "signature_encoding", None, none),
    )
    for algorithm in ("none", "HS256", "RSA-2048-SHA256"):
        text = record(good).replace("ECDSA-secp256r1-SHA256", algorithm)
        write(
            f"algorithm-{algorithm.lower()}",
            "an algorithm OCMF does not have",
            text,
            keys,
            ("INVALID", "algorithm_unknown", None, none),
        )
    default = f'OCMF|{good}|{{"SD":"{der.hex().upper()}"}}'
    write("algorithm-default", "no SA: secp256r1 with SHA-256", default, keys, VALID)
    write(
        "payload-byte",
        "one digit of the stop value changed",
        record(good).replace("1012.750", "1002.750"),
        keys,
        ("INVALID", "signature_mismatch", None, none),
    )
    write(
        "payload-space",
        "one space added: the bytes as sent are signed",
        record(good).replace('"RD":', '"RD": '),
        keys,
        ("INVALID", "signature_mismatch", None, none),
    )


def hostile_json() -> None:
    """Texts two parsers would read differently, and bombs; all correctly signed."""
    keys = [spki(key("secp256r1"))]
    cases = {
        "duplicate-key": ("duplicate_key", payload().replace('"PG":"T7"', '"PG":"T7","PG":"T8"')),
        "duplicate-key-escaped": ("duplicate_key", payload().replace('"PG":"T7"', '"PG":"T7","P\\u0047":"T8"')),
        "nan": ("not_a_number", payload().replace("1012.750", "NaN")),
        "infinity": ("not_a_number", payload().replace("1012.750", "-Infinity")),
        "big-integer": ("number_too_long", payload().replace("1012.750", "9" * 5000)),
        "big-exponent": ("number_too_long", payload().replace("1012.750", "1e999999")),
        "huge-exponent": ("number_too_long", payload().replace("1012.750", "1e-99999999999999999999")),
        "leading-zero": ("bad_json", payload().replace("1012.750", "01012.750")),
        "deep": ("too_deep", payload().replace('"IT":"NONE"', '"X":' + "[" * 3000 + "]" * 3000)),
        "lone-surrogate": ("bad_character", payload().replace('"vector"', '"\\ud83d"')),
        "nul": ("bad_character", payload().replace('"vector"', '"a\\u0000"')),
        "array": ("bad_json", f"[{payload()}]"),
        "trailing": ("bad_json", payload() + "{}"),
        "readings-object": (
            "field_type",
            payload()
            .replace("[", "{")
            .replace("]", "}")
            .replace('{{"TM"', '{"a":{"TM"')
            .replace(',{"TM"', ',"b":{"TM"'),
        ),
        "pipe": ("not_ocmf", payload().replace("METER-1", "METER|1")),
    }
    for name, (reason, text) in cases.items():
        write(
            f"json-{name}",
            "rejected before the signature is looked at",
            record(text),
            keys,
            ("UNREADABLE", reason, None, []),
        )
    write("not-utf8", "not UTF-8", b'OCMF|{"GI":"\xff"}|{"SD":"00"}', keys, ("UNREADABLE", "not_utf8", None, []))
    write(
        "no-signature-section",
        "the signature section cut off",
        f"OCMF|{payload()}",
        keys,
        ("UNREADABLE", "not_ocmf", None, []),
    )


def meanings() -> None:
    """Good signatures over readings that say more or less than they should."""
    keys, good = [spki(key("secp256r1"))], "signature_valid"
    text = BEGIN.replace("1000.500", '"  1000.500"'), END.replace("1012.750", '"0001012.750"')

    def case(
        name: str, why: str, readings: str, energy_wh: str | None, findings: list[str], *, head: str = HEAD
    ) -> None:
        write(f"meaning-{name}", why, record(payload(readings, head)), keys, ("VALID", good, energy_wh, findings))

    none = "identity_none"
    case("text-values", "values as text with spaces and zeros", ",".join(text), "12250", [none, "value_string"])
    case("watt-hours", "unit Wh", f"{BEGIN},{END}".replace("kWh", "Wh"), "12.25", [none])
    case("unit", "a unit of something else", f"{BEGIN},{END}".replace("kWh", "kVAh"), None, [none, "unit_unknown"])
    case(
        "rewind",
        "the register runs backwards",
        f"{BEGIN},{END}".replace("1012.750", "900.000"),
        None,
        [none, "register_decreasing"],
    )
    case(
        "negative", "a negative register", f"{BEGIN},{END}".replace("1000.500", "-1.0"), None, [none, "value_negative"]
    )
    case("no-end", "begin only", BEGIN, None, [none, "end_missing"])
    case("no-begin", "end only", BEGIN.replace('"B"', '"R"'), None, [none, "begin_missing"])
    case("two-begins", "which begin?", f"{BEGIN},{BEGIN},{END}", None, [none, "begin_doubled"])
    case(
        "exception",
        "X: unusable from here on",
        f'{BEGIN},{{"TX":"X","RV":1005.000}},{END}',
        None,
        [none, "exception_reading"],
    )
    case(
        "error-flag",
        "EF says energy is not usable",
        f"{BEGIN},{END}".replace('"EF":""', '"EF":"E"'),
        None,
        [none, "energy_flagged"],
    )
    case(
        "status",
        "the meter reports another error",
        f"{BEGIN},{END}".replace('"ST":"G"', '"ST":"E"'),
        "12250",
        [none, "meter_status"],
    )
    case(
        "clock",
        "clock not synchronised",
        f"{BEGIN},{END}".replace("0100 S", "0100 U"),
        "12250",
        [none, "clock_unsynchronised"],
    )
    case(
        "time-backwards",
        "end before begin",
        f"{BEGIN},{END}".replace("T10:30", "T09:30"),
        "12250",
        [none, "time_backwards"],
    )
    case(
        "time-garbage",
        "no such day",
        f"{BEGIN},{END}".replace("2026-03-01T10:30", "2026-02-30T10:30"),
        "12250",
        [none, "time_malformed"],
    )
    export = '{"TX":"B","RV":5.0,"RI":"01-00:02.08.00*FF","RU":"kWh"},{"TX":"E","RV":6.0}'
    case("export", "import and export in one record", f"{BEGIN},{END},{export}", "12250", [none, "mixed_registers"])
    case(
        "export-only", "nothing was imported", export, None, [none, "time_malformed", "import_missing", "meter_status"]
    )
    car = '{"TX":"B","RV":0.0,"RI":"01-00:B3.08.00*FF","RU":"kWh"},{"TX":"E","RV":12.000}'
    case(
        "at-the-car",
        "loss-compensated energy at the car is the energy handed over",
        f"{BEGIN},{END},{car}",
        "12000",
        [none, "mixed_registers"],
    )
    b1 = '{"TX":"B","RV":0.0,"RI":"01-00:B1.08.00*FF","RU":"kWh"},{"TX":"E","RV":11.000}'
    case(
        "disagree",
        "two registers at the car disagree",
        f"{car},{b1}".replace('{"TX":"B","RV":0.0,"RI":"01-00:B3', START + '"ST":"G","TX":"B","RV":0.0,"RI":"01-00:B3'),
        None,
        [none, "mixed_registers", "registers_disagree"],
    )
    case(
        "hearsay",
        "a bare UID, in clear",
        f"{BEGIN},{END}",
        "12250",
        ["identity_hearsay", "identity_in_clear"],
        head=HEAD.replace('"IS":false,"IT":"NONE"', '"IS":true,"IL":"HEARSAY","IT":"ISO14443","ID":"00112233"'),
    )
    case(
        "pseudonym",
        "a centrally issued session pseudonym",
        f"{BEGIN},{END}",
        "12250",
        [],
        head=HEAD.replace('"IS":false,"IT":"NONE"', '"IS":true,"IL":"TRUSTED","IT":"CENTRAL","ID":"k5zq"'),
    )
    case(
        "page",
        "a page number with leading zeros",
        f"{BEGIN},{END}",
        "12250",
        [none, "page_malformed"],
        head=HEAD.replace("T7", "T07"),
    )
    case("no-page", "no page", f"{BEGIN},{END}", "12250", [none, "page_missing"], head=HEAD.replace('"PG":"T7",', ""))
    case(
        "no-meter",
        "nobody's reading",
        f"{BEGIN},{END}",
        "12250",
        [none, "meter_serial_missing"],
        head=HEAD.replace("METER-1", "").replace("GW-1", ""),
    )
    case(
        "fiscal",
        "a reading outside transactions",
        BEGIN.replace('"TX":"B",', ""),
        None,
        ["fiscal_context"],
        head=HEAD.replace("T7", "F3").replace(',"IS":false,"IT":"NONE"', ""),
    )
    case(
        "hostile-text",
        "texts are shown, never resolved",
        f"{BEGIN},{END}",
        "12250",
        [none, "page_malformed"],
        head=HEAD.replace("T7", "${jndi:ldap://127.0.0.1/a}"),
    )


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for make in (curves_and_keys, signatures, hostile_json, meanings):
        make()
