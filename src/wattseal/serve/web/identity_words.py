"""How sure it is who charged, in words (`model.identity_level`)."""

from collections.abc import Mapping

from wattseal.model import identity_level as level
from wattseal.serve.web.texts import marked as _

IDENTITY: Mapping[str, str] = {
    level.NONE: _("nobody is named"),
    level.HEARSAY: _("a card's number, which a copy has too"),
    level.TRUSTED: _("an app, a code or a contract"),
    level.VERIFIED: _("checked by the meter"),
    level.CERTIFIED: _("a certificate"),
    level.SECURE: _("proved by a key"),
}
IDENTITY_ELSE = _("the meter says that it failed")
"""What the errors among the levels come to."""
