"""What forms send: fields as short texts, and where a browser goes afterwards."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Response
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from wattseal.base.errors import InputError
from wattseal.serve.web.texts import marked as _

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def text_of(form: Mapping[str, str], field: str, most: int, *, least: int = 0) -> str:
    """Return a field without the space around it; one that is too short or too long is an `InputError`."""
    found = form.get(field, "").replace("\r\n", "\n").strip()
    if len(found) < least:
        raise InputError(_("fill in every field that is needed"), code="field_missing", subject=field)
    if len(found) > most:
        raise InputError(_("this is longer than can be kept"), code="field_too_long", subject=field)
    return found


def sure(form: Mapping[str, str]) -> None:
    """Go on only where the box beside the button was ticked."""
    if form.get("sure") != "yes":
        raise InputError(_("tick the box: this cannot be taken back"), code="not_confirmed", subject="sure")


def gone_to(path: str, **query: str) -> Response[Any]:
    """Send the browser on after a form did its work, so that loading the page again sends nothing again."""
    return Redirect(path + (f"?{urlencode(query)}" if query else ""), status_code=303)
