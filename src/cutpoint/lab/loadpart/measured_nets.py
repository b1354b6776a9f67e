"""The six nets, written and timed on this host."""

from collections.abc import Sequence
from pathlib import Path

from cutpoint.lab.arena import Subject, prepare_subject
from cutpoint.lab.papers.net_measurement import measure_paper_net
from cutpoint.lab.papers.paper_net import PaperNet
from cutpoint.lab.progress import Progress

NETS = ("alexnet", "squeezenet", "vgg16", "resnet18", "resnet50", "xception")
"""LoADPart's six, as recalled: AlexNet, SqueezeNet, VGG16, ResNet18, ResNet50, Xception."""

_NUM_PICTURES = 2


def measured_nets(
    names: Sequence[str], folder: Path, *, repeats: int, seed: int, progress: Progress
) -> dict[str, tuple[Subject, PaperNet]]:
    """Write, calibrate and time nets of the zoo; gives each by its name."""
    progress.begin("loadpart: nets", len(names))
    found = {}
    for name in names:
        subject = prepare_subject(name, folder, num_pictures=_NUM_PICTURES, seed=seed)
        found[name] = subject, measure_paper_net(subject, repeats=repeats)
        progress.advance(name)
    return found
