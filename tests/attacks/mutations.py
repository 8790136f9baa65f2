"""Bytes that are spoiled by chance, as a damaged disk or somebody who looks for faults would."""

import gzip
import random
import struct
import zlib

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1)
_WORDS = (
    b"nan",
    b"inf",
    b"-1",
    b"1e309",
    b"9" * 40,
    b"\0",
    b"",
    b'"',
    b"\n",
    b"[[",
    b"..",
    b"\xff",
)
_HEAD = 600
"""Bytes from the beginning, where most formats say what is in them: half of all spoils go there."""
_PNG = b"\x89PNG\r\n\x1a\n"


def spoilt(data: bytes, seed: int) -> bytes:
    """Return bytes that differ in one to four places.

    What is packed is spoiled inside half of the time, and the sums over it are made to fit: else a
    wrong sum would be all that is ever found.
    """
    chance = random.Random(seed)
    if chance.random() < 0.5:
        if data[:2] == b"\x1f\x8b":
            return gzip.compress(_changed(gzip.decompress(data), chance), mtime=0)
        if data.startswith(_PNG):
            return _with_sums(_changed(data, chance))
    return _changed(data, chance)


def _changed(data: bytes, chance: random.Random) -> bytes:
    spoiled = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        reach = len(spoiled) if chance.random() < 0.5 else min(len(spoiled), _HEAD)
        place = chance.randrange(reach) if reach else 0
        match chance.randrange(7):
            case 0:
                spoiled[place : place + 1] = bytes([chance.randrange(256)])
            case 1 if spoiled:
                spoiled[min(place, len(spoiled) - 1)] ^= 1 << chance.randrange(8)
            case 2:
                order, size = chance.choice("<>"), chance.choice("BHIQ")
                number = chance.choice(_NUMBERS) % 256 ** struct.calcsize(size)
                packed = struct.pack(order + size, number)
                spoiled[place : place + len(packed)] = packed
            case 3:
                spoiled[place : place + chance.randint(1, 9)] = chance.choice(_WORDS)
            case 4:
                del spoiled[place : place + chance.choice((1, 4, 64, 10**6))]
            case 5:
                spoiled[place:place] = spoiled[place : place + chance.choice((1, 8, 64))]
            case _:
                count = chance.choice((4, 16, 64))
                spoiled[place : place + count] = bytes(count)
    return bytes(spoiled)


def _with_sums(data: bytes) -> bytes:
    """Return a PNG whose chunks have the sums of what they hold."""
    parts, place = [data[: len(_PNG)]], len(_PNG)
    while place + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        chunk = data[place + 4 : place + 8 + size]
        parts.append(data[place : place + 4] + chunk + struct.pack(">I", zlib.crc32(chunk)))
        place += 12 + size
    return b"".join([*parts, data[place:]])
