from cutpoint.graph import Graph


def test_descendants(diamond: Graph) -> None:
    """A node's descendants are itself and every node that needs it."""
    expected = (0b11111, 0b11010, 0b11100, 0b11000, 0b10000)
    assert expected == diamond.descendants


def test_ancestors(diamond: Graph) -> None:
    """A node's ancestors are itself and every node it needs."""
    expected = (0b00001, 0b00011, 0b00101, 0b01111, 0b11111)
    assert expected == diamond.ancestors


def test_all_nodes_is_one_bit_per_node(diamond: Graph) -> None:
    """The set of all nodes has a bit for each of the five."""
    assert diamond.all_nodes == 0b11111


def test_consumers(diamond: Graph) -> None:
    """A value's consumers are the nodes that name it among their inputs."""
    actual = {name: diamond.consumers_of(name) for name in "xay"}
    assert actual == {"x": 0b00001, "a": 0b00110, "y": 0}


def test_sizes_add_up(diamond: Graph) -> None:
    """Values of four float32 are 16 bytes each, and no values are none."""
    assert tuple(diamond.size_bytes(names) for names in [(), ("a",), tuple("abc")]) == (0, 16, 48)


def test_flops_of_a_set_add_up(diamond: Graph) -> None:
    """Five elementwise nodes over four elements are 20 operations, any two of them 8."""
    assert tuple(diamond.flops(nodes) for nodes in (0b11111, 0b01010, 0)) == (20.0, 8.0, 0.0)


def test_producers_and_consumers_agree(two_inputs_two_outputs: Graph) -> None:
    """A value's producer and consumers name it among their outputs and inputs."""
    graph = two_inputs_two_outputs
    for name, value in graph.values.items():
        made = [node.index for node in graph.nodes if name in node.outputs]
        used = [node.index for node in graph.nodes if name in node.inputs]
        assert ([value.producer] if made else []) == made
        assert tuple(used) == value.consumers
