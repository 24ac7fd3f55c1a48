"""Messages filled up with blanks, so that their lengths tell nothing: JSON allows blanks before a closing bracket.

A frame is filled to a multiple of a step. Who was asked in a filled frame answers in one.
"""

CALL_STEP, ANSWER_STEP = 4096, 2048
"""Bytes: a sealed start with its readers' wraps fits one step, and so do the answer's receipts with a decision."""
_CALL_AROUND, _ANSWER_AROUND = len('[2,"","",]'), len('[3,"",]')


def fill_call(payload: bytes, action: str, id_length: int) -> bytes:
    """Return a call's payload, a JSON object, with blanks: the frame's length is a multiple of CALL_STEP."""
    return _fill(payload, _CALL_AROUND + id_length + len(action), CALL_STEP)


def fill_answer(payload: bytes, id_length: int) -> bytes:
    """Return an answer's payload, a JSON object, with blanks: the frame's length is a multiple of ANSWER_STEP."""
    return _fill(payload, _ANSWER_AROUND + id_length, ANSWER_STEP)


def is_filled(frame: bytes) -> bool:
    """Return whether a frame was filled up."""
    return frame.endswith(b" }]") and len(frame) % CALL_STEP == 0


def without_blanks(frame: bytes) -> bytes:
    """Return a call or an answer as it was before it was filled up; one of any other length stays as it is."""
    filled = frame.endswith(b" }]") and len(frame) % ANSWER_STEP == 0
    return frame[:-2].rstrip(b" ") + b"}]" if filled else frame


def _fill(payload: bytes, around: int, step: int) -> bytes:
    missing = -(len(payload) + around) % step
    return payload[:-1] + b" " * missing + payload[-1:]
