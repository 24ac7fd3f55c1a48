"""SignedData of a CDR (OCPI 2.2.1, module cdrs): meter records travel whole or not at all, and what stays is said."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from wattseal.base.errors import InputError
from wattseal.crypto.curves import key_bytes
from wattseal.model import cdr as model
from wattseal.model.verdict import Finding
from wattseal.wire.ocpi.codec import OcpiStruct

MAX_RECEIVED = 65_536
"""Peers send more than the standard allows; up to this it is read."""
Long = Annotated[str, Meta(max_length=MAX_RECEIVED)]


@dataclass(frozen=True, slots=True)
class SignedDataLimits:
    """Characters a peer accepts; 2.2.1 gave `plain_data` 512 at first, and 5000 as of 2.3.0's second edition."""

    encoding_method: int = 36
    public_key: int = 512
    nature: int = 32
    plain_data: int = 512
    signed_data: int = 5000
    url: int = 512


class SignedValue(OcpiStruct, frozen=True, kw_only=True):
    """SignedValue class."""

    nature: Annotated[str, Meta(max_length=64)]
    plain_data: Long
    signed_data: Long


class SignedData(OcpiStruct, frozen=True, kw_only=True):
    """SignedData class."""

    encoding_method: Annotated[str, Meta(max_length=64)]
    signed_values: tuple[SignedValue, ...]
    encoding_method_version: int | None = None
    public_key: Long | None = None
    url: Long | None = None


def from_records(
    method: str, records: Sequence[tuple[str, bytes]], public_key: bytes | None = None, url: str | None = None
) -> model.SignedData:
    """Return the SignedData of records of one format, given as (nature, bytes as signed).

    The plain data is an OCMF record's payload; formats that have no text of their own leave it empty.
    """
    values = tuple(
        model.SignedValue(nature, raw.split(b"|")[1].decode() if method == "OCMF" and raw.count(b"|") == 2 else "", raw)
        for nature, raw in records
    )
    return model.SignedData(method, values, public_key=public_key, url=url)


def lower(data: model.SignedData | None, limits: SignedDataLimits) -> tuple[SignedData | None, tuple[Finding, ...]]:
    """Lower within a peer's limits. Nothing is ever truncated: what is too long is left out with a finding.

    Findings: `signed_value_omitted`, `plain_data_omitted` (sent empty; the record holds its payload anyway),
    `public_key_omitted`, `url_omitted`, and `signed_data_omitted` where nothing could be sent.
    """
    if data is None:
        return None, ()
    findings: list[Finding] = []
    values = []
    for index, value in enumerate(data.values):
        place = f"signed_values[{index}]"
        signed, plain_data = base64.b64encode(value.signed_data).decode(), value.plain_data
        if len(signed) > limits.signed_data or len(value.nature) > limits.nature:
            findings.append(Finding("signed_value_omitted", f"{place}.signed_data", f"{len(signed)} characters"))
            continue
        if len(plain_data) > limits.plain_data:
            findings.append(Finding("plain_data_omitted", f"{place}.plain_data", f"{len(plain_data)} characters"))
            plain_data = ""
        values.append(SignedValue(nature=value.nature, plain_data=plain_data, signed_data=signed))
    if not values or len(data.encoding_method) > limits.encoding_method:
        return None, (*findings, Finding("signed_data_omitted", "signed_data"))
    key = base64.b64encode(data.public_key).decode() if data.public_key is not None else None
    if key is not None and len(key) > limits.public_key:
        findings.append(Finding("public_key_omitted", "public_key", f"{len(key)} characters"))
        key = None
    url = data.url
    if url is not None and len(url) > limits.url:
        findings.append(Finding("url_omitted", "url", f"{len(url)} characters"))
        url = None
    wire = SignedData(
        encoding_method=data.encoding_method,
        encoding_method_version=data.encoding_method_version,
        public_key=key,
        signed_values=tuple(values),
        url=url,
    )
    return wire, tuple(findings)


def lift(wire: SignedData | None) -> model.SignedData | None:
    """Lift what a peer sent; records that are not base64 are kept as the text they are, a broken key as none."""
    if wire is None:
        return None
    values = tuple(model.SignedValue(v.nature, v.plain_data, _record(v.signed_data)) for v in wire.signed_values)
    return model.SignedData(
        encoding_method=wire.encoding_method,
        values=values,
        public_key=_key(wire.public_key),
        encoding_method_version=wire.encoding_method_version,
        url=wire.url,
    )


def _record(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return text.encode("utf-8")


def _key(text: str | None) -> bytes | None:
    try:
        return key_bytes(text) if text else None
    except InputError:
        return None
