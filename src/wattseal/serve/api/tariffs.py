"""Tariffs: signed when they are put into force."""

from typing import Any

from litestar import put
from litestar.params import FromPath

from wattseal.base.errors import InputError
from wattseal.flow.fleet import enrol
from wattseal.serve.api.problems import Req, demand
from wattseal.serve.api.service import What, Who
from wattseal.wire.ocpi.v2_2_1.tariffs import decode_tariff


@put("/tariffs/{tariff_id:str}")
async def put_tariff(principal: Who, service: What, request: Req, tariff_id: FromPath[str]) -> dict[str, Any]:
    """Sign an OCPI tariff and put it into force; decisions refer to it from now on."""
    demand(principal, "tariffs:write")
    tariff = decode_tariff(await request.body())
    if tariff.id != tariff_id:
        raise InputError("the tariff's id is not the one in the path", subject="id")
    kept = await enrol.set_tariff(service.world, tariff)
    return {"id": kept.tariff_id, "record": kept.record}


ROUTES = (put_tariff,)
