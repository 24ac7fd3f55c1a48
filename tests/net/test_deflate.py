"""Inflating what stations compress: with or without a window between messages, within bounds."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattseal.net.deflate import WINDOW_BITS, WINDOW_BYTES, InflateError, Inflater

MESSAGES = [b'[2,"%d","MeterValues",{"connectorId":1,"value":"%d"}]' % (n, n * 13) for n in range(50)]


def deflated(compressor: "zlib._Compress", text: bytes) -> bytes:
    return (compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


@given(st.lists(st.binary(min_size=1, max_size=5000), max_size=12), st.sampled_from([9, 10, WINDOW_BITS]))
def test_whatever_was_said_with_a_window_is_heard(messages: list[bytes], bits: int) -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -bits)
    inflater = Inflater(5000, keeps_window=True)
    assert [inflater.inflate(deflated(compressor, text)) for text in messages] == messages


def test_a_window_between_messages_saves_most_of_the_bytes() -> None:
    compressor, inflater = zlib.compressobj(6, zlib.DEFLATED, -WINDOW_BITS), Inflater(1000, keeps_window=True)
    sent = [deflated(compressor, text) for text in MESSAGES]
    assert [inflater.inflate(data) for data in sent] == MESSAGES
    alone = sum(len(deflated(zlib.compressobj(6, zlib.DEFLATED, -15), text)) for text in MESSAGES)
    assert sum(map(len, sent)) < alone / 2


def test_what_left_the_window_is_gone() -> None:
    compressor, inflater = zlib.compressobj(9, zlib.DEFLATED, -15), Inflater(100_000, keeps_window=True)
    secret = bytes(range(256))
    assert inflater.inflate(deflated(compressor, secret)) == secret
    noise = zlib.compress(b"".join(MESSAGES))[:-4] * (WINDOW_BYTES // 200)
    assert inflater.inflate(deflated(compressor, noise)) == noise
    with pytest.raises(InflateError) as refused:
        inflater.inflate(deflated(compressor, secret))
    assert refused.value.code == 1007


@pytest.mark.parametrize("keeps", [True, False])
def test_a_message_that_is_too_long_or_not_deflated_has_its_close_code(*, keeps: bool) -> None:
    bomb = deflated(zlib.compressobj(9, zlib.DEFLATED, -WINDOW_BITS), bytes(1 << 24))
    for data, code in ((bomb, 1009), (b"not deflated", 1007)):
        with pytest.raises(InflateError) as refused:
            Inflater(2000, keeps_window=keeps).inflate(data)
        assert refused.value.code == code


def test_without_a_window_each_message_stands_alone() -> None:
    compressor, inflater = zlib.compressobj(6, zlib.DEFLATED, -15), Inflater(1000, keeps_window=False)
    assert inflater.inflate(deflated(compressor, MESSAGES[0])) == MESSAGES[0]
    with pytest.raises(InflateError):
        inflater.inflate(deflated(compressor, MESSAGES[0]))
