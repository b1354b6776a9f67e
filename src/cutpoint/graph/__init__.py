"""WHAT is computed: model file -> graph, cuts, blocks, segments."""
