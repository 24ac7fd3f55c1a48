"""The vehicle of the PyPI package `iso15118`, run with its own Python: signs receipts as its EVCC does on the wire.

Reads `{"key": PEM path, "receipts": [[id, session, tuple id, meter id, reading, signature hex, status, time], ...]}`
from standard input; writes for each the hex of fragment, SignedInfo and signature. EXI is made by its Java codec.
"""

import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from iso15118.shared.exi_codec import EXI
from iso15118.shared.exificient_exi_codec import ExificientEXICodec
from iso15118.shared.messages.enums import Namespace
from iso15118.shared.messages.iso15118_2.body import MeteringReceiptReq
from iso15118.shared.messages.iso15118_2.datatypes import MeterInfo
from iso15118.shared.security import create_signature
from iso15118.shared.settings import load_shared_settings


def main() -> None:
    load_shared_settings()
    EXI().set_exi_codec(ExificientEXICodec())
    asked = json.load(sys.stdin)
    key = load_pem_private_key(Path(asked["key"]).read_bytes(), None)
    made = []
    for message_id, session, tuple_id, meter_id, reading, signature, status, at in asked["receipts"]:
        told = {"meter_id": meter_id, "meter_reading": reading, "meter_status": status, "t_meter": at}
        if signature is not None:
            told["sig_meter_reading"] = bytes.fromhex(signature)
        info = MeterInfo(**{name: value for name, value in told.items() if value is not None})
        request = {"id": message_id, "session_id": session, "meter_info": info}
        if tuple_id is not None:
            request["sa_schedule_tuple_id"] = tuple_id
        fragment = EXI().to_exi(MeteringReceiptReq(**request), Namespace.ISO_V2_MSG_DEF)
        signed = create_signature([(message_id, fragment)], key)
        signed_info = EXI().to_exi(signed.signed_info, Namespace.XML_DSIG)
        made.append([part.hex() for part in (fragment, signed_info, signed.signature_value.value)])
    sys.stdout.write("\n" + json.dumps(made) + "\n")


main()
