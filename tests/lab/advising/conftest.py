"""The net of pools that the shares are tested with."""

from tests.lab.shares.conftest import net as net
