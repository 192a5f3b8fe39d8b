# SPDX-License-Identifier: Apache-2.0
"""Between billing and Redis: passes everything on, and now and then holds an EXEC or its answer back for good."""
import socket
import threading

EXEC = b"*1\r\n$4\r\nEXEC\r\n"
CHUNK = 1 << 16
REQUEST, REPLY = "request", "reply"


class RedisProxy:
    """`arm` has the next EXEC, of whichever connection, swallowed (REQUEST: Redis never sees it) or done without an answer
    (REPLY). What was swallowed is in `swallowed`: (what, the bytes of Redis' answer to EXEC or b"")."""

    def __init__(self, target):
        self.target = target
        self.armed = None
        self.swallowed = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.sockets = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.listener.getsockname()[1]

    def arm(self, what):
        with self.lock:
            self.armed = what

    def close(self):
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was first
            one.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            server = socket.create_connection(self.target)
            self.sockets += [client, server]
            held = []  # what is held back on this connection, once something is
            threading.Thread(target=self.pump_requests, args=(client, server, held), daemon=True).start()
            threading.Thread(target=self.pump_replies, args=(client, server, held), daemon=True).start()

    def taken(self):
        with self.lock:
            what, self.armed = self.armed, None
            return what

    def pump_requests(self, client, server, held):
        tail = b""
        while data := receive(client):
            tail = (tail + data)[-len(EXEC):]  # billing sends nothing behind an EXEC before it is answered
            what = self.taken() if tail == EXEC and not held else None
            if what == REQUEST:
                held.append(what)
                self.swallowed.append((REQUEST, b""))
                data = data[:-len(EXEC)]
            elif what == REPLY:
                held.append(what)
            if what or not held:
                server.sendall(data)
        server.close()

    def pump_replies(self, client, server, held):
        noted = False
        while data := receive(server):
            if held != [REPLY]:  # without an EXEC there are only the answers to what stood before it
                client.sendall(data)
            elif not noted and b"\r\n*" in b"\r\n" + data:  # the array of EXEC's replies
                noted = True
                self.swallowed.append((REPLY, data))


def receive(sock):
    try:
        return sock.recv(CHUNK)
    except OSError:
        return b""
