from wattseal.flow.ports import Put
from wattseal.stores.documents import Documents, Unknown

KEY = ("t", "token", "a")


def put(body: bytes) -> Put:
    return Put("token", "a", 1, body, 0)


def asked(memory: Documents) -> Unknown:
    token = memory.get(KEY)
    assert isinstance(token, Unknown)
    return token


def test_what_was_written_is_known() -> None:
    memory = Documents()
    memory.written("t", put(b"1"))
    assert memory.get(KEY) == put(b"1")


def test_what_was_read_is_known_absence_included() -> None:
    memory = Documents()
    memory.fill(KEY, asked(memory), None)
    assert memory.get(KEY) is None


def test_a_read_that_was_overtaken_by_a_write_is_not_kept() -> None:
    memory = Documents(capacity=1)
    token = asked(memory)
    memory.written("t", put(b"new"))
    memory.fill(KEY, token, put(b"old"))
    assert memory.get(KEY) == put(b"new")
    token = asked(other := Documents(capacity=1))
    other.written("t", put(b"new"))
    other.written(
        "t", Put("token", "b", 1, b"other", 0)
    )  # the new one is evicted while the old one is still being read
    other.fill(KEY, token, put(b"old"))
    assert isinstance(other.get(KEY), Unknown)


def test_after_a_failed_write_nothing_is_known() -> None:
    memory = Documents()
    memory.written("t", put(b"1"))
    token = memory.get(("t", "token", "b"))
    memory.forget()
    assert isinstance(token, Unknown)
    memory.fill(("t", "token", "b"), token, None)
    assert isinstance(memory.get(KEY), Unknown)
    assert isinstance(memory.get(("t", "token", "b")), Unknown)


def test_memory_is_bounded_and_the_least_used_goes() -> None:
    memory = Documents(capacity=2)
    for key in ("a", "b"):
        memory.written("t", Put("token", key, 1, b"1", 0))
    memory.get(KEY)
    memory.written("t", Put("token", "c", 1, b"1", 0))
    assert memory.get(KEY) is not None
    assert isinstance(memory.get(("t", "token", "b")), Unknown)


def test_a_read_that_failed_leaves_nothing_behind() -> None:
    memory = Documents()
    memory.give_up(KEY, asked(memory))
    assert memory._asked == {}
