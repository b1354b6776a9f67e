"""``cutpoint serve`` with a leak that was planted: each answer leaves a few bytes behind."""

import os

from cutpoint.cli.main import main
from cutpoint.server.data_plane import Reply

LEAKED_BYTES = int(os.environ["LEAKED_BYTES"])
_LEFT_BEHIND: list[bytearray] = []


def _leak() -> None:
    honest = Reply.parameters

    def parameters(self: Reply) -> dict[str, object]:
        _LEFT_BEHIND.append(bytearray(LEAKED_BYTES))
        return honest(self)

    Reply.parameters = parameters  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    _leak()
    main()
