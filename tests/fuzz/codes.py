"""Codes of apps, spoilt as text and as bytes."""

import base64

from tests.support.app_codes import EMSP, NOW_S, a_code, signed
from tests.support.cpo_world import own_entry, signing_key

from wattseal.rules.app_codes import Verifier, fault_of
from wattseal.seal.app_code import PREFIX, AppCodeError, read_text, text_of
from wattseal.seal.registry import Registry, Role

_KEY = signing_key("emsp")
_REGISTRY = Registry({})
_REGISTRY.trust(own_entry(f"{EMSP}/*", Role.EMSP, _KEY.public.spki, party=EMSP))
TEXT = signed(a_code(), _KEY)
CODES = (TEXT.encode(), a_code().sign(_KEY, "CPO").encode())


def check_code(data: bytes) -> None:
    """A code is refused, or is read to the one spelling it has; none is good but the one that was signed."""
    for text in (data.decode("utf-8", "replace"), PREFIX + base64.b32encode(data).decode().rstrip("=")):
        try:
            shown = read_text(text)
        except AppCodeError:
            continue
        assert text_of(shown.statement) == text
        at = Verifier("CPO", _REGISTRY, NOW_S * 1000)
        fault = fault_of(shown, at, shown.code.station_id, shown.code.evse_id)
        assert fault is not None or text == TEXT
