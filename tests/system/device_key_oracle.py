# SPDX-License-Identifier: Apache-2.0
"""Signatures by Python's hmac; wrapped keys by an XChaCha20-Poly1305 of our own (RFC 8439, draft-irtf-cfrg-xchacha-03)."""
import hashlib
import hmac
import os
import struct

PB_TAG = b"\x7a\x20"


def mac(key, topic, content):
    return hmac.new(key, topic.encode() + b"\0" + content, hashlib.sha256)


def sign(key, topic, payload):
    """The payload, protobuf or a JSON object, with its signature."""
    if payload[:1] != b"{":
        return payload + PB_TAG + mac(key, topic, payload).digest()
    content = payload[:-1]
    return content + b',"signature":"' + mac(key, topic, content).hexdigest().encode() + b'"}'


def is_signed(key, topic, payload):
    if payload[:1] != b"{":
        return payload[-34:-32] == PB_TAG and payload[-32:] == mac(key, topic, payload[:-34]).digest()
    content, _, rest = payload.rpartition(b',"signature":"')
    return rest == mac(key, topic, content).hexdigest().encode() + b'"}'


def rotate(x, n):
    return (x << n | x >> 32 - n) & 0xffffffff


def rounds(state):
    s = list(state)
    for _ in range(10):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                s[x] = (s[x] + s[y]) & 0xffffffff
                s[z] = rotate(s[z] ^ s[x], n)
    return s


CONSTANT = struct.unpack("<4I", b"expand 32-byte k")


def chacha(key, counter, nonce):
    state = [*CONSTANT, *struct.unpack("<8I", key), counter, *struct.unpack("<3I", nonce)]
    return struct.pack("<16I", *((a + b) & 0xffffffff for a, b in zip(rounds(state), state)))


def hchacha(key, nonce):
    s = rounds([*CONSTANT, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce)])
    return struct.pack("<8I", *s[:4], *s[12:])


def poly1305(key, message):
    r, s, total = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff, key[16:], 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at:at + 16] + b"\x01", "little")) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(s, "little")) & (1 << 128) - 1).to_bytes(16, "little")


def seal(key, nonce, text, bound, decrypt=False):
    """(what comes of the text, tag)."""
    key, nonce = hchacha(key, nonce[:16]), bytes(4) + nonce[16:]
    stream = b"".join(chacha(key, 1 + i, nonce) for i in range(-(-len(text) // 64)))
    out = bytes(a ^ b for a, b in zip(text, stream))
    cipher = text if decrypt else out
    def pad(data): return data + bytes(-len(data) % 16)
    return out, poly1305(chacha(key, 0, nonce)[:32],
                         pad(bound) + pad(cipher) + struct.pack("<QQ", len(bound), len(cipher)))


def wrap(wrapping, site, device, key):
    nonce = os.urandom(24)
    cipher, tag = seal(wrapping, nonce, key, f"{site}/{device}".encode())
    return (b"\x01" + hashlib.sha256(wrapping).digest()[:8] + nonce + cipher + tag).hex()


def unwrap(wrapping, site, device, wrapped):
    data = bytes.fromhex(wrapped)
    assert data[:1] == b"\x01" and data[1:9] == hashlib.sha256(wrapping).digest()[:8] and len(data) == 81
    key, tag = seal(wrapping, data[9:33], data[33:65], f"{site}/{device}".encode(), decrypt=True)
    assert tag == data[65:]
    return key
