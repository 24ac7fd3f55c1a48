"""Actions of 2.1 whose schema exists and that are answered with NotSupported, each with its reason.

A test demands that every schema has a message file or stands here. Nothing stands here at present.
"""

from collections.abc import Mapping

from wattseal.wire.ocpp.version import Version

UNSUPPORTED: Mapping[Version, Mapping[str, str]] = {version: {} for version in Version}
"""`{version: {action: reason}}`."""
