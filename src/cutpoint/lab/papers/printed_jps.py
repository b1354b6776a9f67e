"""
What JPS prints of a single cut for all jobs and of its own pairs of cuts [1]_.

References
----------
.. [1] Duan, Y., Wu, J. (2021). Joint Optimization of DNN Partition and Scheduling for Mobile
       Cloud Computing. *ICPP*.
"""

from collections.abc import Mapping
from types import MappingProxyType

UPLINKS_MBIT_PER_S = (1.1, 5.85, 18.88)
"""3G, 4G and WiFi, of DADS."""

CALIBRATED_MBIT_PER_S = 18.88
"""The column that each net's device factor is taken from."""

NETS: Mapping[str, str] = MappingProxyType(
    {
        "alexnet": "AlexNet",
        "mobilenet_v2": "MobileNet-v2",
        "googlenet": "GoogLeNet",
        "resnet18": "ResNet18",
    }
)
"""The four nets, by their names in the zoo."""

SAVED_BY_PO: Mapping[tuple[str, float], float] = MappingProxyType(
    {
        ("alexnet", 1.1): 0.0,
        ("alexnet", 5.85): 0.3333,
        ("alexnet", 18.88): 0.6391,
        ("mobilenet_v2", 1.1): 0.2760,
        ("mobilenet_v2", 5.85): 0.6000,
        ("mobilenet_v2", 18.88): 0.8281,
        ("googlenet", 1.1): 0.0,
        ("googlenet", 5.85): 0.5613,
        ("googlenet", 18.88): 0.6663,
        ("resnet18", 1.1): 0.0,
        ("resnet18", 5.85): 0.0146,
        ("resnet18", 18.88): 0.5852,
    }
)
"""Latency saved on local-only by partition only, which is DADS."""

SAVED_BY_JPS: Mapping[tuple[str, float], float] = MappingProxyType(
    {
        ("alexnet", 1.1): 0.2206,
        ("alexnet", 5.85): 0.4211,
        ("alexnet", 18.88): 0.7343,
        ("mobilenet_v2", 1.1): 0.5673,
        ("mobilenet_v2", 5.85): 0.7883,
        ("mobilenet_v2", 18.88): 0.8469,
        ("googlenet", 1.1): 0.5283,
        ("googlenet", 5.85): 0.7193,
        ("googlenet", 18.88): 0.7217,
        ("resnet18", 1.1): 0.0073,
        ("resnet18", 5.85): 0.2822,
        ("resnet18", 18.88): 0.5852,
    }
)
"""The same by JPS, for 100 jobs in one pipeline."""
