"""How many bytes a process copies: its calls of memcpy and memmove, counted as they happen."""

import mmap
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_COUNTER_BYTES = 8
_FILE_VARIABLE = "CUTPOINT_COPIED_BYTES"

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LEAST_BYTES 1024 /* heads, names and numbers are not what is counted */

static uint64_t nowhere;
static uint64_t *copied = &nowhere;
static void *(*real_memmove)(void *, const void *, size_t);

__attribute__((constructor)) static void begin(void) {
    real_memmove = dlsym(RTLD_NEXT, "memmove");
    const char *path = getenv("CUTPOINT_COPIED_BYTES");
    int file = path ? open(path, O_RDWR) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) copied = shared;
    close(file);
}

static void *copy(void *to, const void *from, size_t size) {
    if (size >= LEAST_BYTES) __atomic_fetch_add(copied, size, __ATOMIC_RELAXED);
    if (real_memmove) return real_memmove(to, from, size);
    volatile char *out = to; /* before the constructor has run: volatile, or this becomes memmove */
    const volatile char *in = from;
    if (out < in) for (size_t i = 0; i < size; i++) out[i] = in[i];
    else for (size_t i = size; i > 0; i--) out[i - 1] = in[i - 1];
    return to;
}

void *memcpy(void *to, const void *from, size_t size) { return copy(to, from, size); }
void *memmove(void *to, const void *from, size_t size) { return copy(to, from, size); }
void *mempcpy(void *to, const void *from, size_t size) {
    return (char *)copy(to, from, size) + size;
}
void *__memcpy_chk(void *to, const void *from, size_t size, size_t room) {
    return size > room ? (abort(), to) : copy(to, from, size);
}
void *__memmove_chk(void *to, const void *from, size_t size, size_t room) {
    return size > room ? (abort(), to) : copy(to, from, size);
}
"""
"""Stands before the C library; pieces of 1 KiB and more are counted."""


def compiler() -> str | None:
    """Give the C compiler that is installed here, if there is one."""
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


class CopiedBytes:
    """
    Counts what a process copies from one place in its memory to another.

    Start the process with `environment`: then every copy of 1 KiB or more that its libraries
    have the C library make is counted, those of Python, NumPy, protobuf and gRPC among them. What
    the kernel copies when something is sent or received is not, and neither is what a compiler
    wrote as a loop. Linux only.

    Parameters
    ----------
    folder
        Where the counter and what is put before the C library go.

    Raises
    ------
    OSError
        If there is no C compiler, or it fails.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "copied"
        self._library = folder / "copied.so"
        self._file.write_bytes(bytes(_COUNTER_BYTES))
        found = compiler()
        if found is None:
            raise OSError("no C compiler is installed: cc, gcc or clang")
        source = folder / "copied.c"
        source.write_text(_SOURCE)
        arguments = ("-O2", "-fno-builtin", "-shared", "-fPIC", "-o", str(self._library))
        done = subprocess.run(
            (found, *arguments, str(source), "-ldl"), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise OSError(f"{found} failed: {done.stderr}")

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of the process that is counted."""
        return {"LD_PRELOAD": str(self._library), _FILE_VARIABLE: str(self._file)}

    def read(self) -> int:
        """Give the bytes copied so far."""
        with (
            self._file.open("rb") as file,
            mmap.mmap(file.fileno(), _COUNTER_BYTES, access=mmap.ACCESS_READ) as shared,
        ):
            return int.from_bytes(shared[:], sys.byteorder)
