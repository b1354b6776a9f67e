"""A process of its own: forks writers of one entry, kills each, and looks at what is left."""

import json
import os
import random
import signal
import sys
import time

from cutpoint.execution import file_cache
from cutpoint.execution.file_cache import FileCache

KEY = {"model": "m"}
LENGTH = 400_000


def in_place(folder: int, name: str, raw: bytes) -> None:
    """Write as one must not."""
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600, dir_fd=folder)
    for start in range(0, len(raw), 4096):
        os.write(handle, raw[start : start + 4096])
    os.close(handle)


def write_for_ever(cache: FileCache, told: int, first: int) -> None:
    """Replace the entry again and again, each time by another value."""
    os.write(told, b"x")
    for number in range(first, first + 10**6):
        cache.write(KEY, [number, "x" * LENGTH, number])


def main(folder: str, kills: int, how: str) -> None:
    """Kill writers at random points."""
    if how == "in-place":
        file_cache._write = in_place
    rng, cache = random.Random(7), FileCache(folder)
    whole, torn, values = 0, 0, set()
    for turn in range(kills):
        cache.write(KEY, [turn * 10**6, "x" * LENGTH, turn * 10**6])
        heard, told = os.pipe()
        child = os.fork()
        if child == 0:
            write_for_ever(cache, told, turn * 10**6)
        os.read(heard, 1)
        os.close(heard)
        os.close(told)
        time.sleep(rng.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = FileCache(folder).read(KEY, list)
        is_whole = found is not None and found[0] == found[2] and len(found[1]) == LENGTH
        whole += is_whole
        torn += not is_whole
        if is_whole:
            values.add(found[0])
    print(json.dumps({"whole": whole, "torn": torn, "values": len(values)}))  # noqa: T201


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
