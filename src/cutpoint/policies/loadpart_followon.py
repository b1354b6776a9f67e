"""The load-aware follow-on of LoADPart as a policy."""

from cutpoint.cost import Setting
from cutpoint.estimation import BurstProbe, LoadFactor
from cutpoint.policies.sensing_scheme import Senses, SensingScheme


class LoadPartFollowOn(SensingScheme):
    """
    Load-aware partition for several users: profile, bandwidth, k and the wait in the queue [1]_.

    Any cut is looked at. The server's time is k times what was profiled, and its queue's wait is
    added once; full-local execution is the other choice. Neither the cost of a message nor the
    way back counts: the probes' rate has the round trip inside. Bandwidth, k and wait are means
    of the latest probes and reports.

    Notes
    -----
    The code was read, no text. Deviations: no quantising and no compression, which are codecs here
    and belong to none of the schemes; the cut is found among the rows of the table, which hold
    those that are best under some condition, where the code searches every block anew.

    References
    ----------
    .. [1] "Load-aware Dynamic DNN Partition for Multi-User Offloading": a public MindSpore tree,
           its authors not stated; takes up LoADPart (ICDCS 2022).
    """

    name = "loadpart-followon"
    setting = Setting(message=False, device_load=False, returning=False)

    def new_senses(self) -> Senses:
        """Give means of burst probes, of k and of the wait."""
        return Senses(BurstProbe(), LoadFactor(counts_wait=True))
