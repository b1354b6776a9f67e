"""The command line."""

import os

# gRPC's core writes its own lines to standard error beside our errors; it reads this once.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
