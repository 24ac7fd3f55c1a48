"""Following jobs of stations: begun by an answered command, led on by what the station tells, found by their number.

A station may tell of a job before the answer to its command has been processed here, and of jobs that nobody here
began: those are kept as well.
"""

from collections.abc import Mapping
from dataclasses import replace

from wattseal.base.ids import StationId
from wattseal.flow.documents import put, read, removal
from wattseal.flow.history import prefix
from wattseal.flow.memory import Memory
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.job import Job, JobFile

FIRMWARE, PUBLICATION, LOG = "firmware_job", "publish_job", "log_job"
"""Document kinds: jobs by `station/time of their beginning`."""
MAX_JOBS = 50
"""Jobs of a kind kept per station; the oldest goes."""
IDLE = "Idle"
"""What a station says of no job at all."""
REFUSED = frozenset({"Rejected", "InvalidCertificate", "RevokedCertificate"})
"""Answers after which there is no job."""


async def begin(
    step: Step,
    memory: Memory,
    kind: str,
    request_id: int | None,
    *,
    details: Mapping[str, str | None],
    asked_by: str,
    answer: str | None,
) -> Job:
    """Keep a job that a command began; `answer` is the status of its answer, None where that has none."""
    known = await all_of(step.world, memory, kind)
    key, job = _adopted(known, request_id) or (_new_key(memory, known, step.now_ms), None)
    job = job or Job(
        station_id=memory.station.id,
        request_id=request_id,
        at_ms=step.now_ms,
        status="Requested",
        updated_ms=step.now_ms,
    )
    kept = {name: value for name, value in details.items() if value is not None}
    job = replace(job, asked_by=asked_by, answer=answer, details=kept)
    if answer in REFUSED:
        job = job.to(str(answer), step.now_ms, done=True)
    else:
        word = "Canceled" if answer == "AcceptedCanceled" else "Superseded"
        for other, old in tuple(known.items()):
            if other != key and not old.done and (word == "Canceled" or kind == FIRMWARE):
                _keep(step, memory, kind, (other, old.to(word, step.now_ms, done=True)))
    _keep(step, memory, kind, (key, job))
    return job


async def advance(
    step: Step, memory: Memory, kind: str, request_id: int | None, status: str, *, done: bool
) -> Job | None:
    """Lead a job on; return it where that was news, None for a repetition or where the station tells of none."""
    known = await all_of(step.world, memory, kind)
    key = _find(known, request_id)
    if status == IDLE:
        return None
    if key is None:
        key = _new_key(memory, known, step.now_ms)
        job = Job(
            station_id=memory.station.id, request_id=request_id, at_ms=step.now_ms, status="", updated_ms=step.now_ms
        )
    else:
        job = known[key]
    if job.status == status:
        return None
    job = job.to(status, step.now_ms, done=done)
    _keep(step, memory, kind, (key, job))
    return job


async def change(step: Step, memory: Memory, kind: str, key: str, job: Job) -> None:
    """Keep what has become of a job."""
    await all_of(step.world, memory, kind)
    _keep(step, memory, kind, (key, job))


async def attach(step: Step, memory: Memory, kind: str, request_id: int | None, file: JobFile) -> None:
    """Give a job the file that came for it; the station may not have answered the command yet."""
    known = await all_of(step.world, memory, kind)
    key = _find(known, request_id) or _waiting(known, request_id)
    if key is None:
        key = _new_key(memory, known, step.now_ms)
        job = Job(
            station_id=memory.station.id,
            request_id=request_id,
            at_ms=step.now_ms,
            status="Uploading",
            updated_ms=step.now_ms,
        )
    else:
        job = known[key]
    _keep(step, memory, kind, (key, replace(job, file=file)))


async def detach(step: Step, memory: Memory, kind: str, name: str) -> None:
    """Take a file from its job."""
    for key, job in tuple((await all_of(step.world, memory, kind)).items()):
        if job.file is not None and job.file.name == name:
            _keep(step, memory, kind, (key, replace(job, file=None)))


async def all_of(world: World, memory: Memory, kind: str) -> dict[str, Job]:
    """Return the jobs of a kind by key, oldest first."""
    known = memory.jobs.get(kind)
    if known is None:
        station_id = StationId(memory.station.id)
        found = await world.journal.documents(
            world.tenant, kind, station_id=station_id, after=prefix(station_id), limit=MAX_JOBS
        )
        known = memory.jobs.setdefault(kind, {document.key: read(document, Job) for document in found})
    return known


def _find(known: Mapping[str, Job], request_id: int | None) -> str | None:
    """Return the key of the latest job of a number, or of the latest that is not done where no number is told."""
    for key, job in reversed(tuple(known.items())):
        if job.request_id == request_id if request_id is not None else not job.done:
            return key
    return None


def _waiting(known: Mapping[str, Job], request_id: int | None) -> str | None:
    """Return the key of the latest job of that number, or without one, that has no file."""
    fit = (key for key, job in reversed(tuple(known.items())) if job.request_id == request_id and job.file is None)
    return next(fit, None)


def _adopted(known: Mapping[str, Job], request_id: int | None) -> tuple[str, Job] | None:
    key = _find(known, request_id)
    job = None if key is None else known[key]
    return (key, job) if key is not None and job is not None and job.asked_by is None else None


def _new_key(memory: Memory, known: Mapping[str, Job], now_ms: int) -> str:
    stem, number = f"{prefix(memory.station.id)}{now_ms:015d}", 0
    while f"{stem}-{number}" in known:
        number += 1
    return f"{stem}-{number}"


def _keep(step: Step, memory: Memory, kind: str, kept: tuple[str, Job]) -> None:
    known, (key, job) = memory.jobs[kind], kept
    known[key] = job
    while len(known) > MAX_JOBS:
        gone = next(iter(known))
        del known[gone]
        step.puts.append(removal(kind, gone, step.now_ms))

    def write() -> None:
        latest = known.get(key)
        if latest is not None:
            step.puts.append(put(kind, key, latest, step.now_ms, station_id=memory.station.id, active=not latest.done))

    step.finally_do(write)
