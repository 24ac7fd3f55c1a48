"""Randomness by the pool: every byte once, and never the same in two processes."""

import os

from wattseal.app.system import PooledRandom


def test_no_byte_is_handed_out_twice() -> None:
    random = PooledRandom()
    drawn = [random.bytes(16) for _ in range(5000)]
    assert len(set(drawn)) == 5000
    assert {len(piece) for piece in drawn} == {16}
    assert len(random.bytes(20_000)) == 20_000


def test_a_forked_process_shares_no_bytes_with_its_parent() -> None:
    random = PooledRandom()
    random.bytes(1)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, random.bytes(32))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 32) != random.bytes(32)
    os.close(reading)
    os.close(writing)
