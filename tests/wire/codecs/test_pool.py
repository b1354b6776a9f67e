"""Things that one user at a time may have."""

from cutpoint.wire.codecs.pool import Pool


def test_no_two_users_have_the_same_at_a_time() -> None:
    """What is out is not handed out again; what came back is."""
    pool: Pool[object] = Pool(object)
    first, second = pool.take(), pool.take()
    assert first is not second
    pool.give_back(first)
    assert pool.take() is first


def test_only_a_few_are_kept() -> None:
    """A burst of threads does not leave its memory behind for ever."""
    made: list[object] = []

    def make() -> object:
        made.append(object())
        return made[-1]

    pool = Pool(make)
    out = [pool.take() for _ in range(50)]
    for one in out:
        pool.give_back(one)
    kept = [pool.take() for _ in range(50)]
    assert len(made) == 50 + 50 - 8
    assert len({id(one) for one in kept}) == 50
