"""Operations of the OpenAPI document whose bodies the handlers read as bytes, so that nothing in them is changed."""

from dataclasses import dataclass
from functools import cache

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema


@cache
def takes_json(what: str) -> type[Operation]:
    """Return the operation of a handler that takes any JSON object, described as `what`."""
    return _taking(what, "application/json", Schema(type=OpenAPIType.OBJECT))


@cache
def takes_cbor(what: str) -> type[Operation]:
    """Return the operation of a handler that takes CBOR, described as `what`."""
    return _taking(what, "application/cbor", Schema(type=OpenAPIType.STRING, content_media_type="application/cbor"))


def _taking(what: str, media_type: str, schema: Schema) -> type[Operation]:
    body = RequestBody(content={media_type: OpenAPIMediaType(schema=schema)}, description=what, required=True)

    @dataclass
    class Taking(Operation):
        def __post_init__(self) -> None:
            self.request_body = body

    return Taking
