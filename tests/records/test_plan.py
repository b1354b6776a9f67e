from cutpoint.records import DEVICE, Leg, Parts, Plan


def test_a_device_only_plan_sends_nothing() -> None:
    """Device-only has one leg, no server and nothing to send."""
    plan = Plan("device", "device-only", (Leg(DEVICE, None),), Parts())
    assert (plan.crossing, plan.server) == ((), None)


def test_a_split_sends_what_its_head_hands_on() -> None:
    """What travels is what the first leg hands on; the last leg's host is the server."""
    legs = (Leg(DEVICE, "0123456789ab", ("a", "b"), ("raw", "raw")), Leg("edge:8001", None))
    plan = Plan("split", "0123456789ab", legs, Parts())
    assert (plan.crossing, plan.server) == (("a", "b"), "edge:8001")
