"""Transparency files as drivers and attackers hand them in."""

import base64
from xml.sax.saxutils import escape

import pytest
from tests.support.meters import METER_SPKI, transaction

from wattseal.base.errors import InputError
from wattseal.base.text import shown
from wattseal.evidence import xml_transparency
from wattseal.model.verdict import Verdict

RECORD = transaction()


def document(data: str = escape(RECORD.decode()), key: str = METER_SPKI.hex(), attributes: str = "") -> bytes:
    return (
        f'<?xml version="1.0"?><values><value transactionId="7" context="Transaction.End">'
        f'<signedData format="OCMF"{attributes}>{data}</signedData><publicKey>{key}</publicKey></value></values>'
    ).encode()


@pytest.mark.parametrize(
    ("data", "attributes"),
    [
        (RECORD.decode(), ""),
        (f"\n\t{RECORD.decode()}\n  ", ' encoding="plain"'),
        (RECORD.hex(), ' encoding="hex"'),
        (base64.b64encode(RECORD).decode(), ' encoding="base64"'),
    ],
)
def test_record_is_read_in_every_encoding_files_use(data: str, attributes: str) -> None:
    (value,) = xml_transparency.read(document(data, attributes=attributes))
    assert (value.transaction_id, value.context, value.format) == ("7", "Transaction.End", "OCMF")
    assert xml_transparency.check(value).verdict is Verdict.VALID


@pytest.mark.parametrize(
    "key",
    [
        METER_SPKI.hex(" ").upper(),
        base64.b64encode(METER_SPKI).decode(),
        base64.b64encode(b"oca:base16:asn1:" + METER_SPKI.hex().encode()).decode(),
    ],
)
def test_key_is_read_in_every_spelling_files_use(key: str) -> None:
    (value,) = xml_transparency.read(document(key=key))
    assert value.key == METER_SPKI


def test_file_s_own_key_does_not_overrule_the_enrolled_one() -> None:
    (value,) = xml_transparency.read(document())
    stranger = bytes.fromhex("04" + "11" * 64)
    assert xml_transparency.check(value).verdict is Verdict.VALID
    assert xml_transparency.check(value, [stranger]).verdict is Verdict.UNKNOWN_KEY
    assert xml_transparency.check(value, []).verdict is Verdict.UNKNOWN_KEY


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'<!DOCTYPE values [<!ENTITY a "b">]><values/>', "xml_doctype"),
        (b'<!DOCTYPE values SYSTEM "http://127.0.0.1:9/x.dtd"><values/>', "xml_doctype"),
        (b"<values>&undefined;</values>", "bad_xml"),
        (b"<html/>", "bad_xml"),
        (b"", "bad_xml"),
        (b"<values>" + b"<a>" * 50 + b"</a>" * 50 + b"</values>", "too_deep"),
        (b"<values>" + b" " * xml_transparency.MAX_BYTES + b"</values>", "too_large"),
        (b"<values><value><signedData/><signedData/></value></values>", "bad_xml"),
        (b'<?xml version="1.0" encoding="no-such"?><values/>', "bad_xml"),
        (b"<values>\xff</values>", "bad_xml"),
    ],
)
def test_dangerous_and_broken_xml_is_refused_with_a_code(raw: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        xml_transparency.read(raw)
    assert caught.value.code == code


def test_value_without_data_or_of_another_format_is_unreadable() -> None:
    for data in ("", "EDL|something"):
        (value,) = xml_transparency.read(document(data))
        assert xml_transparency.check(value).verdict is Verdict.UNREADABLE


def test_hostile_text_is_shown_inert() -> None:
    assert shown("${jndi:ldap://127.0.0.1/a}") == "\\u{24}{jndi:ldap://127.0.0.1/a}"
    assert shown("a\x1b[31m\u202eb\n") == "a\\u{1b}[31m\\u{202e}b\\u{a}"
    assert len(shown("x" * 10_000)) == 121
