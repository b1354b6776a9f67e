"""
What DADS prints of light load [1]_, and the setting that it was printed for.

References
----------
.. [1] Hu, C., Bao, W., Wang, D., Liu, F. (2019). Dynamic Adaptive DNN Surgery for Inference
       Acceleration on the Edge. *IEEE INFOCOM*, 1423 - 1431.
"""

from collections.abc import Mapping
from types import MappingProxyType

UPLINKS_MBIT_PER_S = (0.13, 1.1, 5.85, 18.88)
"""CAT1, 3G, 4G and WiFi: table I."""

NETS: Mapping[str, str] = MappingProxyType(
    {
        "resnet18": "ResNet18",
        "nin": "NiN",
        "tiny_yolov2": "tiny YOLOv2",
        "alexnet_towers": "AlexNet (two towers)",
        "vgg16": "VGG16",
    }
)
"""The five nets, by their names in the zoo."""

CALIBRATED = ("resnet18", 18.88)
"""The cell that the device's factor is taken from."""

SPEEDUPS: Mapping[tuple[str, float], float] = MappingProxyType(
    {
        ("resnet18", 0.13): 1.46,
        ("resnet18", 1.1): 4.14,
        ("resnet18", 5.85): 7.23,
        ("resnet18", 18.88): 8.32,
    }
)
"""Edge-only latency / DADS latency by net and uplink: section V, light load."""

SAVED_ON_CLOUD: Mapping[float, float] = MappingProxyType(
    {0.13: 0.64, 1.1: 0.26, 5.85: 0.07, 18.88: 0.0}
)
"""By uplink, by how much DADS is below cloud-only on ResNet18: section V."""

BARS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "nin": (3.8, 2.5),
        "tiny_yolov2": (1.9, 0.25),
        "vgg16": (4.6, 3.3),
        "alexnet_towers": (6.45, 4.6),
        "resnet18": (4.2, 3.1),
    }
)
"""Edge-only latency / that of DADS, and of cloud-only: read off the bars of figure 12, so about."""
