import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattseal.base.errors import InputError
from wattseal.seal import dcbor

VALUES = st.recursive(
    st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=20) | st.text(max_size=10) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 2**64 - 1), inner, max_size=4),
    max_leaves=12,
)

KEEP = {dcbor.SIGN1_TAG: lambda value, *_: dcbor.Tagged(value)}


def oracle(data: bytes) -> object:
    """Decode with a general CBOR library, look at what came out, encode it again and compare."""
    value = cbor2.loads(data, max_depth=dcbor.MAX_DEPTH, allow_indefinite=False, semantic_decoders=KEEP)
    value = _plain(value)
    if cbor2.dumps(_tagged(value), canonical=True) != data:
        raise ValueError
    return value


def _plain(value: object) -> object:
    match value:
        case bool() | bytes() | str() | None:
            return value
        case int() if -(2**64) <= value < 2**64:
            return value
        case list() | tuple():
            return [_plain(v) for v in value]
        case dict() if all(type(k) is int and k >= 0 for k in value):
            return {k: _plain(v) for k, v in value.items()}
        case dcbor.Tagged(inner):
            return dcbor.Tagged(_plain(inner))
    raise ValueError


def _tagged(value: object) -> object:
    match value:
        case list():
            return [_tagged(v) for v in value]
        case dict():
            return {k: _tagged(v) for k, v in value.items()}
        case dcbor.Tagged(inner):
            return cbor2.CBORTag(dcbor.SIGN1_TAG, _tagged(inner))
    return value


def both(data: bytes) -> None:
    try:
        expected = oracle(data)
    except (ValueError, cbor2.CBORDecodeError, TypeError):
        with pytest.raises(InputError):
            dcbor.decode(data)
    else:
        assert dcbor.decode(data) == expected
        assert dcbor.encode(expected) == data


@given(VALUES)
def test_a_general_library_spells_every_allowed_value_the_same(value: object) -> None:
    assert dcbor.encode(value) == cbor2.dumps(value, canonical=True)


@given(st.binary(max_size=24))
def test_bytes_are_accepted_exactly_where_a_second_encoding_gives_them_again(data: bytes) -> None:
    both(data)


@given(VALUES, st.data())
def test_a_changed_byte_is_accepted_exactly_where_a_second_encoding_gives_it_again(
    value: object, data: st.DataObject
) -> None:
    spelled = dcbor.encode([value, {24: value}, dcbor.sign1([value])])
    at = data.draw(st.integers(0, len(spelled) - 1))
    both(spelled[:at] + bytes([data.draw(st.integers(0, 255))]) + spelled[at + 1 :])


@given(VALUES, st.data())
def test_a_map_whose_lists_stay_bytes_is_accepted_exactly_where_it_is_decoded_whole(
    value: object, data: st.DataObject
) -> None:
    spelled = dcbor.encode({0: value, 3: [value, 7, dcbor.sign1([value])], 8: value, 300: [value]})
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(spelled) - 1))
        spelled = spelled[:at] + bytes([data.draw(st.integers(0, 255))]) + spelled[at + 1 :]
    whole = frozenset({3, 8})
    try:
        expected = dcbor.decode(spelled)
    except InputError as error:
        with pytest.raises(type(error)):
            dcbor.decode_map(spelled, dcbor.MAX_BYTES, whole)
        return
    if isinstance(expected, dict):
        for key in whole & expected.keys():
            if isinstance(expected[key], list):
                expected[key] = [dcbor.encode(element) for element in expected[key]]
    assert dcbor.decode_map(spelled, dcbor.MAX_BYTES, whole) == expected


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x81\x00", b"\xa1\x03\x81", b"\xa1\x03\x98\x01\x00", b"\xa0\x00"])
def test_what_is_no_whole_map_is_decoded_or_refused_as_anywhere(data: bytes) -> None:
    try:
        expected = dcbor.decode(data)
    except InputError:
        with pytest.raises(InputError):
            dcbor.decode_map(data, dcbor.MAX_BYTES, {3})
    else:
        assert dcbor.decode_map(data, dcbor.MAX_BYTES, {3}) == expected


@pytest.mark.parametrize("unit", [b"\x81", b"\xa1\x00", b"\xd2", b"\x81\xd2"])
@pytest.mark.parametrize("leaf", [b"\x00", b"\x80", b"\xa0", b"\x60"])
def test_sixteen_levels_are_read_and_no_more(unit: bytes, leaf: bytes) -> None:
    for levels in range(6, 19):
        both(unit * levels + leaf)


@given(VALUES)
def test_every_allowed_value_has_one_spelling_and_comes_back(value: object) -> None:
    assert dcbor.decode(dcbor.encode(value)) == value


@given(st.binary(max_size=60))
def test_whatever_is_accepted_encodes_to_the_same_bytes(data: bytes) -> None:
    try:
        value = dcbor.decode(data)
    except InputError:
        return
    assert dcbor.encode(value) == data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xfb" + bytes(8), id="float"),
        pytest.param(b"\xf9\x3c\x00", id="half float"),
        pytest.param(b"\x18\x01", id="long spelling of 1"),
        pytest.param(b"\xa2\x02\x00\x01\x00", id="keys out of order"),
        pytest.param(b"\xa2\x01\x00\x01\x00", id="duplicate key"),
        pytest.param(b"\xa1\x61a\x00", id="text key"),
        pytest.param(b"\xa1\x20\x00", id="negative key"),
        pytest.param(b"\x9f\xff", id="indefinite list"),
        pytest.param(b"\x5f\x41a\xff", id="indefinite string"),
        pytest.param(b"\x01\x01", id="trailing bytes"),
        pytest.param(b"\xf7", id="undefined"),
        pytest.param(b"\xf0", id="simple value"),
        pytest.param(b"\xc1\x00", id="time tag"),
        pytest.param(b"\xc2\x49\x01" + bytes(8), id="big integer"),
        pytest.param(cbor2.dumps(cbor2.CBORTag(35, "(a+)+$")), id="regular expression"),
        pytest.param(cbor2.dumps(cbor2.CBORTag(9999, 1)), id="unknown tag"),
        pytest.param(b"\xd9\xd9\xf7\x00", id="self-described"),
        pytest.param(b"\x81" * 200 + b"\x00", id="deep"),
        pytest.param(b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff", id="huge length"),
        pytest.param(b"\x61\xff", id="not UTF-8"),
        pytest.param(b"", id="nothing"),
        pytest.param(bytes(dcbor.MAX_BYTES + 1), id="too long"),
    ],
)
def test_any_other_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        dcbor.decode(data)
