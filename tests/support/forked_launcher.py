"""Stands for a `wattseal` process that another process forks: passes on its words, its streams and signals.

Run as `python -I -S forked_launcher.py SOCKET ARGUMENTS...`. It ends as the process it stands for ended; if it is
killed itself, that one is killed too.
"""

import os
import signal
import socket
import sys


def main() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as nursery:
        nursery.connect(sys.argv[1])
        told = (os.getcwd(), sys.argv[2:], dict(os.environ))  # noqa: PTH109 - pathlib takes longer than all else here
        socket.send_fds(nursery, [repr(told).encode() + b"\n"], [0, 1, 2])

        def pass_on(number: int, _frame: object) -> None:
            nursery.sendall(bytes([number]))

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, pass_on)
        answer = nursery.recv(4096)
    code = int(answer) if answer else 70
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


main()
