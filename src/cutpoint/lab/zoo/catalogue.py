"""Every net of the zoo by name: how it is made, how large it is, and who says so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from cutpoint.exceptions import ModelError
from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.light import light_net
from cutpoint.lab.zoo.nets.alexnet import alexnet_towers
from cutpoint.lab.zoo.nets.deit import deit_tiny
from cutpoint.lab.zoo.nets.efficientnet import efficientnet_b4, efficientnet_b5, efficientnet_b6
from cutpoint.lab.zoo.nets.fpn_detector import fpn_detector
from cutpoint.lab.zoo.nets.ghostnet import ghostnet
from cutpoint.lab.zoo.nets.googlenet import googlenet
from cutpoint.lab.zoo.nets.hrnet import hrnet_w18_small
from cutpoint.lab.zoo.nets.inception_v3 import inception_v3
from cutpoint.lab.zoo.nets.mobilenet_v2 import mobilenet_v2
from cutpoint.lab.zoo.nets.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from cutpoint.lab.zoo.nets.mobilevit import mobilevit_xxs
from cutpoint.lab.zoo.nets.nin import nin
from cutpoint.lab.zoo.nets.resnet import resnet18, resnet101, resnet152
from cutpoint.lab.zoo.nets.tiny_yolo import tiny_yolov2
from cutpoint.lab.zoo.nets.vgg import vgg16
from cutpoint.lab.zoo.nets.xception import xception

_LIGHT = "counted in the light model of the onnx package"
_TORCHVISION = "torchvision, meta of the weights"


@dataclass(frozen=True)
class ZooEntry:
    """
    One net of the zoo.

    Parameters
    ----------
    name
        Name under which it is built.
    summary
        Year and shape of the graph.
    make
        Gives its architecture.
    num_parameters
        Learned weights.
    gmacs
        Multiply-accumulates for one image in thousand millions, to the published digit.
    source
        Where both numbers are published.
    image
        Channels, height and width of the input.
    """

    name: str
    summary: str
    make: Callable[[], Architecture]
    num_parameters: int
    gmacs: str
    source: str
    image: tuple[int, int, int] = (3, 224, 224)


def _light(name: str, summary: str, num_parameters: int, gmacs: str) -> ZooEntry:
    return ZooEntry(name, summary, partial(light_net, name), num_parameters, gmacs, _LIGHT)


def _by_name(*entries: ZooEntry) -> Mapping[str, ZooEntry]:
    return MappingProxyType({entry.name: entry for entry in sorted(entries, key=_name_of)})


def _name_of(entry: ZooEntry) -> str:
    return entry.name


_LIGHT_NETS = (
    _light("alexnet", "2012, chain", 60_965_224, "0.655"),
    _light("densenet121", "2016, dense blocks", 8_062_504, "2.834"),
    _light("inception_v1", "2014, branches", 6_998_552, "1.432"),
    _light("inception_v2", "2015, branches", 11_214_888, "2.019"),
    _light("resnet50", "2015, residual", 25_557_032, "4.089"),
    _light("shufflenet", "2017, residual, group Conv", 1_393_320, "0.125"),
    _light("squeezenet", "2016, short branches", 1_235_496, "0.349"),
    _light("vgg19", "2014, chain", 143_667_240, "19.632"),
    _light("zfnet512", "2013, chain", 87_250_536, "1.482"),
)

_CHAINS = (
    ZooEntry(
        "nin",
        "2014, chain of 1 x 1 Conv",
        nin,
        7_595_176,
        "1.10",
        "Caffe model zoo (29 MB of weights); Gschwend 2016, ZynqNet (7.6 M, 1100 M)",
    ),
    ZooEntry(
        "tiny_yolov2",
        "2017, detector, chain",
        tiny_yolov2,
        # The file's 15 867 885 numbers less the 6112 means and variances.
        15_861_773,
        "3.49",
        "darknet: yolov2-tiny-voc.weights (63.5 MB) and its 6.97 BFLOPs, two per multiply-add",
        image=(3, 416, 416),
    ),
    ZooEntry("vgg16", "2014, chain", vgg16, 138_357_544, "15.47", _TORCHVISION),
)

_BRANCHED = (
    ZooEntry(
        "alexnet_towers",
        "2012, two towers",
        alexnet_towers,
        60_965_224,
        "0.724",
        "Caffe bvlc_alexnet; Sze et al. 2017, Proc. IEEE 105(12), table II (61 M, 724 M)",
        image=(3, 227, 227),
    ),
    ZooEntry("googlenet", "2014, branches", googlenet, 6_624_904, "1.498", _TORCHVISION),
)

_RESIDUAL = (
    ZooEntry("mobilenet_v2", "2018, residual", mobilenet_v2, 3_504_872, "0.301", _TORCHVISION),
    ZooEntry("resnet18", "2015, residual", resnet18, 11_689_512, "1.814", _TORCHVISION),
    ZooEntry("resnet101", "2015, residual", resnet101, 44_549_160, "7.801", _TORCHVISION),
    ZooEntry("resnet152", "2015, residual", resnet152, 60_192_808, "11.514", _TORCHVISION),
    ZooEntry(
        "xception",
        "2017, residual, separable Conv",
        xception,
        22_855_952,
        "8.4",
        "Keras applications (trainable); pytorch-image-models, legacy_xception",
        image=(3, 299, 299),
    ),
)

_EFFICIENT = (
    ZooEntry(
        "efficientnet_b4",
        "2019, residual, squeeze-and-excitation",
        efficientnet_b4,
        19_341_616,
        "4.394",
        _TORCHVISION,
        image=(3, 380, 380),
    ),
    ZooEntry(
        "efficientnet_b5",
        "2019, residual, squeeze-and-excitation",
        efficientnet_b5,
        30_389_784,
        "10.266",
        _TORCHVISION,
        image=(3, 456, 456),
    ),
    ZooEntry(
        "efficientnet_b6",
        "2019, residual, squeeze-and-excitation",
        efficientnet_b6,
        43_040_704,
        "19.068",
        _TORCHVISION,
        image=(3, 528, 528),
    ),
    ZooEntry(
        "ghostnet",
        "2020, residual, short branches",
        ghostnet,
        # In timm 5.18 M and 0.15, for the reason given at _TIMM.
        5_182_508,
        "0.141",
        "Han et al. 2020, CVPR, GhostNet 1.0x on ImageNet (5.2 M, 141 M)",
    ),
    ZooEntry(
        "mobilenet_v3_large",
        "2019, residual, squeeze-and-excitation",
        mobilenet_v3_large,
        5_483_032,
        "0.217",
        _TORCHVISION,
    ),
    ZooEntry(
        "mobilenet_v3_small",
        "2019, residual, squeeze-and-excitation",
        mobilenet_v3_small,
        2_542_856,
        "0.057",
        _TORCHVISION,
    ),
)

# The cards round to a digit. With two digits, timm's benchmark tables of 2023 (PyTorch 2.1) say
# 0.15 (ghostnet), 1.61 (hrnet_w18_small), 0.34 (mobilevit_xxs) and 1.08 (deit_tiny), because
# their profiler adds two operations per element of a batch norm and five per element of a layer
# norm, and does not see the two products in fused attention. Counted so, these nets agree.
_TIMM = "timm, model card ({})"

_HARD = (
    ZooEntry(
        "deit_tiny", "2021, transformer", deit_tiny, 5_717_416, "1.3", _TIMM.format("5.7 M, 1.3")
    ),
    ZooEntry(
        "fpn_detector",
        "2017, feature pyramid on mobilenet_v3_large, three outputs",
        fpn_detector,
        3_841_325,
        "1.124",
        "nobody: a combination of published parts; the numbers are its own, so that it stays so",
        image=(3, 320, 320),
    ),
    ZooEntry(
        "hrnet_w18_small",
        "2019, four resolutions side by side",
        hrnet_w18_small,
        13_187_464,
        "1.6",
        _TIMM.format("13.2 M, 1.6"),
    ),
    ZooEntry(
        "inception_v3",
        "2015, branches",
        inception_v3,
        # 27 161 264 there: with 3 326 696 of an auxiliary classifier that only training uses.
        23_834_568,
        "5.713",
        _TORCHVISION,
        image=(3, 299, 299),
    ),
    ZooEntry(
        "mobilevit_xxs",
        "2021, residual, transformers",
        mobilevit_xxs,
        1_272_024,
        "0.4",
        _TIMM.format("1.3 M, 0.4"),
        image=(3, 256, 256),
    ),
)

ZOO: Mapping[str, ZooEntry] = _by_name(
    *_LIGHT_NETS, *_CHAINS, *_BRANCHED, *_RESIDUAL, *_EFFICIENT, *_HARD
)
"""Every net by name, in alphabetical order; each takes one float32 image."""


def entry_of(name: str) -> ZooEntry:
    """
    Give one net's entry.

    Raises
    ------
    ModelError
        If there is none of that name; tells the others.
    """
    if name not in ZOO:
        raise ModelError(f"no net {name!r} in the zoo: take one of {', '.join(ZOO)}")
    return ZOO[name]
