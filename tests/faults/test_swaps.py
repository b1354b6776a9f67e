"""Another model of the same name after a restart."""

import logging
from unittest.mock import patch

import pytest

from cutpoint.lab.faults.swaps import RENEGOTIATED_S, run_swaps

_log = logging.getLogger(__name__)


@pytest.mark.parametrize("is_foreign", [False, True], ids=["cutpoint", "foreign"])
def test_another_model_is_never_believed(tmp_path, fork_server, is_foreign):
    """While the server holds other weights the device answers; then offloading comes back."""
    campaign = run_swaps(
        tmp_path, fork_server, 1, is_foreign=is_foreign, wrong_for_s=0.4, right_for_s=0.1
    )
    assert campaign.num_wrong == 0
    assert campaign.problems == []
    assert campaign.num_offloaded_meanwhile == 0
    assert max(campaign.back_s) < float("inf")


@pytest.mark.soak
@pytest.mark.parametrize("is_foreign", [False, True], ids=["cutpoint", "foreign"])
def test_twenty_swaps_give_no_wrong_answer(tmp_path, fork_server, is_foreign):
    """None of 1,000 answers is wrong; the right model is used again within a second."""
    campaign = run_swaps(tmp_path, fork_server, 20, is_foreign=is_foreign)
    _log.info("%s", campaign)
    assert campaign.num_requests >= 1000
    assert (campaign.num_wrong, campaign.num_offloaded_meanwhile) == (0, 0)
    assert campaign.problems == []
    assert max(campaign.back_s) <= RENEGOTIATED_S


def test_a_client_that_does_not_check_is_caught(tmp_path, fork_server):
    """The judge tells a planted bug: a server whose answers are not compared is believed."""
    with patch("cutpoint.client.golden_check._are_alike", lambda *_: True):
        campaign = run_swaps(
            tmp_path, fork_server, 1, is_foreign=True, wrong_for_s=1.0, right_for_s=0.1
        )
    assert campaign.num_wrong > 0
    assert len(campaign.problems) == campaign.num_wrong
