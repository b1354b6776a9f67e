"""The net of the published tables' tests, measured by nobody."""

from tests.lab.papers.conftest import codecs, net

__all__ = ["codecs", "net"]
