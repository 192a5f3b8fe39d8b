# SPDX-License-Identifier: Apache-2.0
"""What billing keeps of a meter's month in Redis, taken apart: written from docs/services/billing.md, not from the code."""

RANK_DEVICE = 64


def take(raw, at):
    """The varint that begins there, and what stands behind it."""
    value = 0
    for place, byte in enumerate(raw[at:at + 10]):
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            assert byte or not place, "a byte more than needed"
            return value, at + place + 1
    raise AssertionError("cut off")


def reads(raw):
    """[(second in the month, rank, value)]"""
    found, at, (second, rank, value) = [], 0, (0, RANK_DEVICE, 0)
    while at < len(raw or b""):
        step, at = take(raw, at)
        second += step // 2
        if step % 2:
            rank, at = take(raw, at)
        step, at = take(raw, at)
        value += step // 2 if step % 2 == 0 else -(step + 1) // 2
        found.append((second, rank, value))
    return found
