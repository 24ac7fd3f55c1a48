"""No tail of a chain stays unsigned: a heartbeat covers links that nothing else has covered in time."""

from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.seal.item import ClockQuality, Kind
from wattseal.seal.writer import Draft


async def sign_tails(world: World, interval_ms: int) -> int:
    """Sign every chain of ours whose oldest unsigned link is older than `interval_ms`; return how many."""
    now_ms = world.now_ms()
    places = world.chains.unsigned_since(now_ms - interval_ms)
    if not places:
        return 0
    step = Step(world, "", now_ms)
    for origin, stream in places:
        draft = Draft(Kind.HEARTBEAT, now_ms, ClockQuality.SYNCHRONISED, public={1: 0})
        step.write(origin, stream, world.csms_key, draft, None)
    await step.commit()
    return len(places)
