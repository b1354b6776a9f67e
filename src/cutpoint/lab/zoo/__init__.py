"""Published nets as real ONNX files, with seeded random weights."""

from cutpoint.lab.zoo.catalogue import ZOO, ZooEntry
from cutpoint.lab.zoo.graphs import graph_of
from cutpoint.lab.zoo.images import sample_images
from cutpoint.lab.zoo.models import build, write

__all__ = ["ZOO", "ZooEntry", "build", "graph_of", "sample_images", "write"]
