"""Identifiers: one NewType a noun, so that two ids are never confused."""

from typing import NewType

TenantId = NewType("TenantId", str)
"""A CPO on this installation; on every row and route."""
PartyId = NewType("PartyId", str)
"""A party of the trust file, such as a CPO, an eMSP or a DSO; 1 to 36 printable ASCII characters without "/"."""
Origin = NewType("Origin", str)
"""`PARTY/STATION`: who writes a chain; 3 to 64 characters."""
StationId = NewType("StationId", str)
"""The charging station identity, the last path segment of its OCPP connection; 1 to 48 characters."""
EvseId = NewType("EvseId", int)
"""EVSE number in its station, 1..; 0 is the station itself. It is the stream number of the chain."""
TransactionId = NewType("TransactionId", str)
"""OCPP transaction id as text; in 1.6 the decimal of a positive int32."""
Subject = NewType("Subject", bytes)
"""16 random bytes that stand for a transaction in signed records."""
KeyId = NewType("KeyId", bytes)
"""First 8 bytes of SHA-256 of a public key's uncompressed named-curve SPKI."""
Hash = NewType("Hash", bytes)
"""32 bytes of SHA-256."""
