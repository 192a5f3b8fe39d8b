# SPDX-License-Identifier: Apache-2.0
"""Webhook receivers, one to a port, that misbehave as they are told and write down every attempt."""
import collections
import http.server
import threading
import time

# answered: the status that went out whole; None: the connection ended without one
Attempt = collections.namedtuple("Attempt", "message_id body answered at")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class Receiver:
    """`mode` says what it does with a call: an HTTP status; ("slow", seconds) before a 200; "hang": no answer; after
    `stop` nobody listens at its port until `start`."""

    def __init__(self):
        self.mode, self.attempts, self.port = 200, [], 0
        self.server = self.thread = None
        self.released = threading.Event()
        self.start()

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.take(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def take(self, call, body):
        mode, at, answered = self.mode, time.time(), None
        if isinstance(mode, tuple):
            time.sleep(mode[1])
            mode = 200
        if mode == "hang":
            self.released.wait(60)
        else:
            call.send_response(mode)
            call.send_header("Content-Length", "0")
            if mode in (429, 503):
                call.send_header("Retry-After", "1")
            call.end_headers()
            answered = mode
        self.attempts.append(Attempt(call.headers["Riser-Message-Id"], body, answered, at))

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
