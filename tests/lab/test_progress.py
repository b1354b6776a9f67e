"""How work tells how far it is."""

from cutpoint.lab.progress import Silence, announcer


class _Heard:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def begin(self, title: str, total: int, text: str = "") -> None:
        self.told.append((f"{title} of {total}", text))

    def advance(self, text: str = "") -> None:
        self.told.append(("advance", text))

    def note(self, text: str) -> None:
        self.told.append(("note", text))


def test_a_step_that_begins_ends_the_one_before() -> None:
    """Of three steps two are over when the third begins: a full bar is work that is done."""
    heard = _Heard()
    announce = announcer(heard, "nets", 3)
    for net in ("a", "b", "c"):
        announce(net)
    assert heard.told == [
        ("nets of 3", ""), ("nets of 3", "a"), ("advance", "b"), ("advance", "c"),
    ]  # fmt: skip


def test_silence_says_nothing(capsys) -> None:
    """Whatever it is told."""
    silence = Silence()
    silence.begin("a", 1)
    silence.advance("b")
    silence.note("c")
    assert capsys.readouterr() == ("", "")
