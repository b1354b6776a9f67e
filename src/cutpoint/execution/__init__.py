"""RUN a segment on this host, optimise a file; the one importer of ONNX Runtime."""
