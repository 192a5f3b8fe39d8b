#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real SMTP server whose mailbox is a folder: every message that it accepts is one file.

The file is named <sequence>-<message id>.eml and is complete and on the disk before the client reads its 250; what was
answered otherwise has left no file. Tests make it misbehave through a file `fault` in the folder, read at each message:

    451              a temporary failure (any three-digit reply code does)
    550              a lasting one
    451 times 3      the next three messages only
    delay 5          the answer after five seconds, then as usual
    drop             the connection is closed without an answer, after the message was kept

Lines are tried from the top; one with `times N` counts down and goes away.

With --cert and --key no mail is taken before STARTTLS.
"""

import argparse
import asyncio
import email
import os
import pathlib
import re
import signal
import ssl
import sys

from aiosmtpd.smtp import SMTP

MESSAGE_MAX_BYTES = 16 * 1024 * 1024


class Mailbox:
    """Writes messages; the sequence goes on where the folder's files end."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".tmp-*"):
            left.unlink()
        numbers = [int(p.name.split("-")[0]) for p in folder.glob("[0-9]*-*.eml")]
        self.sequence = max(numbers, default=0)

    def keep(self, envelope):
        self.sequence += 1
        header = email.message_from_bytes(envelope.content).get("Message-ID", "none")
        name = re.sub(r"[^A-Za-z0-9._@-]+", "_", str(header).strip().strip("<>"))[:150] or "none"
        target = self.folder / f"{self.sequence:06d}-{name}.eml"
        temporary = self.folder / f".tmp-{self.sequence:06d}"
        envelope_lines = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        with open(temporary, "wb") as out:
            out.write(envelope_lines.encode() + envelope.content)
            out.flush()
            os.fsync(out.fileno())
        os.rename(temporary, target)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return target.name


class Faults:
    """The control file."""

    def __init__(self, path):
        self.path = path

    def next(self):
        """The first line as words, with its count taken down; nothing when there is none."""
        try:
            lines = [line.split() for line in self.path.read_text().splitlines() if line.split()]
        except FileNotFoundError:
            return []
        if not lines:
            return []
        words = lines[0]
        if "times" in words:
            at = words.index("times")
            left = int(words[at + 1]) - 1
            words, rest = words[:at], lines[1:]
            if left > 0:
                rest = [words + ["times", str(left)]] + rest
            self.write(rest)
        return words

    def write(self, lines):
        temporary = self.path.with_name(".fault-new")
        temporary.write_text("".join(" ".join(line) + "\n" for line in lines))
        os.rename(temporary, self.path)


class Handler:
    def __init__(self, mailbox, faults):
        self.mailbox = mailbox
        self.faults = faults

    async def handle_DATA(self, server, session, envelope):
        fault = self.faults.next()
        if fault and fault[0] == "delay":
            await asyncio.sleep(float(fault[1]))
        elif fault and fault[0].isdigit():
            print(f"refused {envelope.rcpt_tos} with {fault[0]}", flush=True)
            return f"{fault[0]} as the file 'fault' says"
        name = self.mailbox.keep(envelope)
        print(f"kept {name}", flush=True)
        if fault and fault[0] == "drop":
            server.transport.abort()
        return f"250 kept as {name}"


async def serve(options):
    folder = pathlib.Path(options.dir)
    handler = Handler(Mailbox(folder), Faults(folder / "fault"))
    loop = asyncio.get_running_loop()
    tls = None
    if options.cert:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.cert, options.key)
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="localhost", data_size_limit=MESSAGE_MAX_BYTES, enable_SMTPUTF8=True, loop=loop,
                     tls_context=tls, require_starttls=tls is not None),
        host=options.host,
        port=options.port,
    )
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    print(f"listening on {options.host}:{options.port}, mail goes to {folder}", flush=True)
    await ended.wait()
    server.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dir", required=True, help="the mailbox")
    parser.add_argument("--cert", help="certificate (PEM) for STARTTLS, which is then required")
    parser.add_argument("--key", help="its private key (PEM)")
    asyncio.run(serve(parser.parse_args()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
