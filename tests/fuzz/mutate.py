"""Damage as networks, disks and enemies do it. The same random state gives the same damage."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
HEAD_BYTES = 256  # where most of a file's structure is
MAX_BYTES = 400_000


def flip(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    for _number in range(dice.choice((1, 1, 2, 8, 64))):
        data[place(data, dice)] ^= 1 << dice.randrange(8)


def number(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    """Overwrite a field with a number that overflows something."""
    size = dice.choice((1, 2, 4, 8))
    start = place(data, dice)
    value = dice.choice(NUMBERS) & (1 << 8 * size) - 1
    data[start : start + size] = value.to_bytes(size, dice.choice(("little", "big")))


def cut(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    del data[place(data, dice) :]


def remove(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    start = place(data, dice)
    del data[start : start + dice.choice((1, 4, 100, 4096))]


def repeat(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    start = place(data, dice)
    piece = bytes(data[start : start + dice.choice((4, 64, 4096))])
    data[start:start] = piece * dice.choice((1, 2, 50))


def noise(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    start = place(data, dice)
    size = dice.choice((4, 32, 1024))
    data[start : start + size] = dice.randbytes(size)


def splice(data: bytearray, dice: random.Random, others: Sequence[bytes]) -> None:
    other = dice.choice(others)
    start = dice.randrange(len(other))
    data[place(data, dice) :] = other[start : start + 50_000]


def extend(data: bytearray, dice: random.Random, _: Sequence[bytes]) -> None:
    data += dice.choice((bytes(100_000), b"\xff" * 5000, bytes(data)))


MUTATIONS: tuple[Callable[[bytearray, random.Random, Sequence[bytes]], None], ...] = (
    *(flip, flip, number, number, number, cut, remove),
    *(repeat, noise, splice, extend),
)


def place(data: bytearray, dice: random.Random) -> int:
    return dice.randrange(min(len(data), HEAD_BYTES) if dice.random() < 0.6 else len(data))


def mutated(data: bytes, dice: random.Random, others: Sequence[bytes]) -> bytes:
    """`data` with one to six mutations."""
    damaged = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        if damaged:
            dice.choice(MUTATIONS)(damaged, dice, others)
    return bytes(damaged[:MAX_BYTES])
