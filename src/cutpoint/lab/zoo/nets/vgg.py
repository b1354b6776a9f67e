"""VGG of Simonyan & Zisserman (2015), "Very Deep Convolutional Networks ...", ICLR, table 1."""

from cutpoint.lab.zoo.architecture import Architecture
from cutpoint.lab.zoo.net import Net
from cutpoint.lab.zoo.nets.blocks import IMAGENET_CLASSES

_VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Width and number of convolutions of each block of configuration D."""


def vgg16() -> Architecture:
    """Thirteen 3 x 3 convolutions in a chain, then three fully connected layers."""
    net = Net("vgg16", (3, 224, 224))
    x = net.input
    for block_idx, (width, depth) in enumerate(_VGG16):
        with net.scope(f"block{block_idx + 1}"):
            for _ in range(depth):
                x = net.relu(net.conv(x, width, 3, bias=True))
            x = net.max_pool(x, 2)
    x = net.flatten(x)
    for _ in range(2):
        x = net.relu(net.linear(x, 4096))
    return net.graph({"logits": net.linear(x, IMAGENET_CLASSES)})
