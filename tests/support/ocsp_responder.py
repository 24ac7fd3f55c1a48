"""An OCSP responder on loopback, which answers for one authority, in any way a test wants."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from tests.support.pki import DAY, NOW, Ca, Leaf


@dataclass
class Responder:
    """`answers` maps a serial number to what is said of it; everything else is unknown to it."""

    url: str
    ca: Ca
    signer: Leaf | None = None
    known: dict[int, tuple[Leaf, ocsp.OCSPCertStatus]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)

    def respond(self, request: bytes) -> bytes:
        serial = ocsp.load_der_ocsp_request(request).serial_number
        self.asked.append(serial)
        if serial not in self.known:
            refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
            return refusal.public_bytes(Encoding.DER)
        leaf, status = self.known[serial]
        revoked = status is ocsp.OCSPCertStatus.REVOKED
        signer = self.signer or Leaf(self.ca.certificate, self.ca.key)
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=leaf.certificate,
            issuer=self.ca.certificate,
            algorithm=hashes.SHA256(),
            cert_status=status,
            this_update=NOW,
            next_update=NOW + DAY,
            revocation_time=NOW - DAY if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        builder = builder.certificates([signer.certificate, self.ca.certificate])
        return builder.sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)


@contextmanager
def responding(ca: Ca) -> Iterator[Responder]:
    """Answer for `ca` at `url` meanwhile."""
    made: list[Responder] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = made[0].respond(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/ocsp-response")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.append(Responder(f"http://127.0.0.1:{server.server_address[1]}/ocsp", ca))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield made[0]
        finally:
            server.shutdown()
            thread.join()
