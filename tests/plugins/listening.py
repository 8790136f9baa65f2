"""A process that has imported gisr, and runs a command for each program that connects to it.

``python -m tests.plugins.listening SOCKET``; it prints "listening" once it does.
"""

import os
import signal
import socket
import sys

from tests.warm import LIBRARIES, import_libraries, serve_programs

if __name__ == "__main__":
    import_libraries(LIBRARIES)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(sys.argv[1])
        listener.listen()
        print("listening", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those forked here
        while True:
            connection, _ = listener.accept()
            if not os.fork():
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    serve_programs(connection)
