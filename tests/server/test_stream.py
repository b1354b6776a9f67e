"""The stream: pieces in and out, side by side, refused one by one; with frames made by hand."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cutpoint.execution import Segments
from cutpoint.graph import Graph, candidate_cuts
from cutpoint.lab.server_process import ServerProcess
from cutpoint.planning import shortlist
from cutpoint.wire import frames
from cutpoint.wire.names import TailName
from cutpoint.wire.protocol import ACK, ERROR, RESULT, get_parameters, set_parameters

NAME = "six_convs"
SIZE = 49_152


@pytest.fixture(autouse=True)
def same_process(served: ServerProcess) -> Iterator[None]:
    """After every test the server is the process it was, and alive."""
    before = served._process
    yield
    assert served._process is before
    assert before.poll() is None


def _send_all(peer: Any, pieces: list[Any]) -> list[int]:
    for piece in pieces:
        peer.send(piece)
    return [peer.acknowledged(int(piece.id)) for piece in pieces]


@pytest.mark.parametrize("size", [49_152, 20_000, 5_000])
def test_a_request_in_pieces_is_acknowledged_and_answered(
    peer, image_of, truth, assert_same, size: int
) -> None:
    """Each piece is acknowledged with the bytes so far; then the right answer comes."""
    pieces = peer.pieces(NAME, 1, image_of(1), size)
    sizes = [len(piece.raw_input_contents[0]) for piece in pieces]
    assert sum(sizes) == SIZE
    assert _send_all(peer, pieces) == list(np.cumsum(sizes))
    expected = truth(image_of(1))
    assert_same(peer.answer(1, expected), expected)


def test_one_stream_serves_one_request_after_the_other(peer, image_of, truth, assert_same) -> None:
    """A number may be used again once its answer has come."""
    for seed in range(4):
        _send_all(peer, peer.pieces(NAME, 1, image_of(seed), 30_000))
        assert_same(peer.answer(1, truth(image_of(seed))), truth(image_of(seed)))


def test_a_tail_is_served_by_its_name(peer, graph: Graph, image_of, truth, assert_same) -> None:
    """Crossing values in pieces give the outputs behind the cut."""
    cut = shortlist(graph, candidate_cuts(graph))[1]
    device = Segments(graph, [cut])
    head = device.run(device.head_of(cut), image_of(2)).values
    name = str(TailName(NAME, graph.sha256, cut.id))
    sent = {crossing: head[crossing] for crossing in cut.crossing}
    _send_all(peer, peer.pieces(name, 1, sent, 100, sha256=graph.sha256))
    expected = {name: truth(image_of(2))[name] for name in cut.returned}
    assert_same(peer.answer(1, expected), expected)


def test_interleaved_requests_each_get_their_own_answer(peer, image_of, truth, assert_same) -> None:
    """Two requests, piece by piece in turn: neither sees the other's bytes."""
    one, two = (peer.pieces(NAME, n, image_of(n), 7_000) for n in (1, 2))
    mixed = [piece for pair in zip(one, two, strict=True) for piece in pair]
    for piece in mixed:
        peer.send(piece)
    assemblies: dict[int, list[Any]] = {1: [], 2: []}
    acknowledged = {1: 0, 2: 0}
    expected = {n: truth(image_of(n)) for n in (1, 2)}
    while any(len(pieces) < len(expected[n]) for n, pieces in assemblies.items()):
        kind, number, message = peer.receive()
        if kind == ACK:
            acknowledged[number] += 1
        else:
            assert kind == RESULT
            assemblies[number].append(frames.response_chunk(message.infer_response))
    assert acknowledged == {1: len(one), 2: len(two)}
    for number, chunks in assemblies.items():
        answer = {
            c.spec.name: np.frombuffer(c.payload, np.float32).reshape(c.spec.shape) for c in chunks
        }
        assert_same(answer, expected[number])


def test_a_cancel_while_uploading_frees_the_way(peer, image_of, truth, assert_same) -> None:
    """Pieces of a dropped request are acknowledged and forgotten; the next request is answered."""
    pieces = peer.pieces(NAME, 1, image_of(1), 10_000)
    for piece in pieces[:2]:
        peer.send(piece)
    peer.send(frames.cancel_request(1))
    for piece in pieces[2:]:
        peer.send(piece)
    wanted = peer.pieces(NAME, 2, image_of(2), 49_152)
    for piece in wanted:
        peer.send(piece)
    assert [peer.acknowledged(1) for _ in pieces] == [10_000, 20_000, 0, 0, 0]
    assert peer.acknowledged(2) == SIZE
    assert_same(peer.answer(2, truth(image_of(2))), truth(image_of(2)))


def test_a_cancelled_request_is_never_answered(peer, image_of, truth, assert_same) -> None:
    """Dropped while it is computed: the next answer on the stream is the next request's."""
    slow = {"x": np.ones((256, 256), np.float32), "rounds": np.array([1000])}
    pieces = peer.pieces("counting", 1, slow, 300_000)
    assert _send_all(peer, pieces)[-1] == 256 * 256 * 4 + 8
    peer.send(frames.cancel_request(1))
    # One worker: whatever came of the first has come before the answer to the second.
    assert _send_all(peer, peer.pieces(NAME, 2, image_of(2), SIZE)) == [SIZE]
    assert_same(peer.answer(2, truth(image_of(2))), truth(image_of(2)))
    peer.end()
    assert peer.is_over()


def test_a_probe_is_acknowledged_and_nothing_else(peer) -> None:
    """The acknowledgement says how many bytes came; no request is opened."""
    for number, size_bytes in enumerate((0, 1, 16_384)):
        peer.send(frames.probe_request(number, size_bytes))
        assert peer.acknowledged(number) == size_bytes
    peer.send(frames.cancel_request(1))
    peer.end()
    assert peer.is_over()


def test_a_big_answer_comes_in_pieces(peer) -> None:
    """No piece is larger than 64 KiB; the first alone carries the load report."""
    x = np.eye(256, dtype=np.float32)
    _send_all(peer, peer.pieces("counting", 1, {"x": x, "rounds": np.array([1])}, 65_536))
    sizes, reports = [], []
    while sum(sizes) < x.nbytes:
        kind, number, message = peer.receive()
        assert (kind, number) == (RESULT, 1)
        chunk = frames.response_chunk(message.infer_response)
        assert chunk.offset == sum(sizes)
        sizes.append(len(chunk.payload))
        reports.append(get_parameters(message.infer_response.parameters))
    assert sizes == [65_536] * 4
    told = {"wait_s", "tail_s", "cpu_s", "idle_s", "pending"}
    assert [told <= set(report) for report in reports] == [True, False, False, False]
    assert reports[0]["tail_s"] > 0
    assert reports[0]["cpu_s"] > 0


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("resnet50", "NOT_FOUND", "no model 'resnet50' here"),
        ("six_convs.ffffffffffff.0123456789ab", "FAILED_PRECONDITION", "tail of another file"),
        ("x" * 20_000, "NOT_FOUND", "this server has: counting, six_convs"),
    ],
)
def test_a_piece_for_an_unknown_model_is_refused(
    peer, image_of, truth, assert_same, name: str, code: str, words: str
) -> None:
    """An error frame with its code; every piece is still acknowledged, and the stream goes on."""
    pieces = peer.pieces(name, 1, image_of(1), 25_000)
    for piece in pieces:
        peer.send(piece)
    said_code, said = peer.refusal(1)
    assert (said_code, words in said) == (code, True)
    assert [peer.acknowledged(1) for _ in pieces] == [0, 0]
    _send_all(peer, peer.pieces(NAME, 2, image_of(2), SIZE))
    assert_same(peer.answer(2, truth(image_of(2))), truth(image_of(2)))


def test_a_device_with_another_file_is_refused(peer, graph: Graph, image_of) -> None:
    """The digest rides with the first piece."""
    (piece,) = peer.pieces(NAME, 1, image_of(1), SIZE, sha256="0" * 64)
    peer.send(piece)
    code, words = peer.refusal(1)
    assert code == "FAILED_PRECONDITION"
    assert graph.sha256[:12] in words
    assert peer.acknowledged(1) == 0


def test_a_piece_that_does_not_follow_ends_its_request_alone(
    peer, image_of, truth, assert_same
) -> None:
    """A gap is refused by position; the other request on the stream is answered."""
    broken = peer.pieces(NAME, 1, image_of(1), 10_000)
    whole = peer.pieces(NAME, 2, image_of(2), 10_000)
    for piece in (broken[0], whole[0], broken[2], broken[3], *whole[1:]):
        peer.send(piece)
    assert (peer.acknowledged(1), peer.acknowledged(2)) == (10_000, 10_000)
    code, words = peer.refusal(1)
    assert code == "INVALID_ARGUMENT"
    assert "chunk at byte 20000 of 'image', expected byte 10000" in words
    assert [peer.acknowledged(1) for _ in range(2)] == [0, 0]
    assert [peer.acknowledged(2) for _ in whole[1:]] == [20_000, 30_000, 40_000, SIZE]
    assert_same(peer.answer(2, truth(image_of(2))), truth(image_of(2)))


def _other_tensor(frame: Any) -> None:
    frame.inputs[0].name = "picture"


def _other_shape(frame: Any) -> None:
    frame.inputs[0].shape[:] = [2**60, 2**60]


def _two_contents(frame: Any) -> None:
    frame.raw_input_contents.append(b"more")


def _no_number(frame: Any) -> None:
    set_parameters(frame.parameters, {"offset": float("nan")})


def _negative_turn(frame: Any) -> None:
    set_parameters(frame.parameters, {"values": -1, "remaining_s": "soon"})


def _unknown_kind(frame: Any) -> None:
    set_parameters(frame.parameters, {"cutpoint_kind": "gossip"})


def _kind_that_is_no_word(frame: Any) -> None:
    set_parameters(frame.parameters, {"cutpoint_kind": 3})


@pytest.mark.parametrize(
    "spoil",
    [_other_tensor, _other_shape, _two_contents, _no_number, _negative_turn, _unknown_kind,
     _kind_that_is_no_word],
)  # fmt: skip
def test_a_frame_that_is_none_is_refused(peer, image_of, truth, assert_same, spoil) -> None:
    """A malformed frame is INVALID_ARGUMENT for its request; the next is answered."""
    (frame,) = peer.pieces(NAME, 1, image_of(1), SIZE)
    spoil(frame)
    peer.send(frame)
    assert peer.refusal(1)[0] == "INVALID_ARGUMENT"
    if frames.kind_of(frame) == "chunk":
        assert peer.acknowledged(1) == 0
    _send_all(peer, peer.pieces(NAME, 2, image_of(2), SIZE))
    assert_same(peer.answer(2, truth(image_of(2))), truth(image_of(2)))


def _is_let_in(peer, number: int, first) -> bool:
    """Send the first piece of a request; tell whether there was room for it."""
    peer.send(first)
    kind, _, message = peer.receive()
    if kind == ACK:
        return True
    assert "waiting or running" in message.error_message
    assert peer.acknowledged(number) == 0
    return False


def test_open_requests_are_bounded(peer, image_of, truth, assert_same) -> None:
    """Of 40 requests begun on one stream 32 may go on; one that ends makes room for another."""
    begun = [peer.pieces(NAME, n, image_of(n), 40_000) for n in range(40)]
    for n in range(32):
        while not _is_let_in(peer, n, begun[n][0]):
            pass  # those before it have a place each, for a moment
    for n in range(32, 40):
        peer.send(begun[n][0])
        code, words = peer.refusal(n)
        assert (code, words[:11]) == ("RESOURCE_EXHAUSTED", "32 requests")
        assert peer.acknowledged(n) == 0
    for n in (0, 31):
        assert _send_all(peer, begun[n][1:]) == [SIZE]
        assert_same(peer.answer(n, truth(image_of(n))), truth(image_of(n)))
    assert _send_all(peer, begun[39]) == [40_000, SIZE]
    assert_same(peer.answer(39, truth(image_of(39))), truth(image_of(39)))


def test_an_answer_of_no_use_is_not_computed(peer, image_of, truth, assert_same) -> None:
    """A request whose time is over when its turn comes is refused as too late."""
    _send_all(peer, peer.pieces(NAME, 1, image_of(1), SIZE, remaining_s=0.0))
    code, words = peer.refusal(1)
    assert (code, "of no use any more" in words) == ("DEADLINE_EXCEEDED", True)
    _send_all(peer, peer.pieces(NAME, 2, image_of(2), SIZE, remaining_s=30.0))
    assert_same(peer.answer(2, truth(image_of(2))), truth(image_of(2)))


def test_plain_requests_and_frames_share_a_stream(
    peer, request_for, outputs_in, image_of, truth, assert_same
) -> None:
    """A whole request without a kind is answered whole, between the pieces of another."""
    pieces = peer.pieces(NAME, 1, image_of(1), 30_000)
    assert _send_all(peer, pieces[:1]) == [30_000]
    plain = request_for(NAME, image_of(2))
    plain.id = "2"
    peer.send(plain)
    kind, number, message = peer.receive()
    assert (kind, number, message.error_message) == (None, 2, "")
    assert_same(outputs_in(message.infer_response), truth(image_of(2)))
    wrong = request_for("resnet50", image_of(3))
    wrong.id = "3"
    peer.send(wrong)
    assert peer.refusal(3)[0] == "NOT_FOUND"
    assert _send_all(peer, pieces[1:]) == [SIZE]
    assert_same(peer.answer(1, truth(image_of(1))), truth(image_of(1)))


def test_a_peer_that_has_said_all_still_gets_its_answers(
    peer, image_of, truth, assert_same
) -> None:
    """The end of the requests is not the end of the answers; then the stream is over."""
    for n in (1, 2, 3):
        for piece in peer.pieces(NAME, n, image_of(n), SIZE):
            peer.send(piece)
    peer.end()
    answers: dict[int, dict[str, Any]] = {}
    for _ in range(3 + 3 * 2):
        kind, number, message = peer.receive()
        if kind == RESULT:
            chunk = frames.response_chunk(message.infer_response)
            values = np.frombuffer(chunk.payload, np.float32).reshape(chunk.spec.shape)
            answers.setdefault(number, {})[chunk.spec.name] = values
        else:
            assert kind == ACK
    assert peer.is_over()
    assert sorted(answers) == [1, 2, 3]
    for number, answer in answers.items():
        assert_same(answer, truth(image_of(number)))


def test_a_full_queue_refuses_on_the_stream(peer, image_of) -> None:
    """Requests beyond those that run or wait are refused at once, with a time to come back."""
    slow = {"x": np.ones((256, 256), np.float32), "rounds": np.array([5000])}
    for n in range(8):
        for piece in peer.pieces("counting", n, slow, 300_000):
            peer.send(piece)
    for n in range(8):
        peer.send(frames.cancel_request(n))  # read after every piece of every request
    peer.end()
    refused = set()
    while True:
        try:
            kind, number, message = peer.receive()
        except StopIteration:
            break
        assert kind in (ACK, ERROR)
        if kind == ERROR:
            parameters = get_parameters(message.infer_response.parameters)
            assert parameters["code"] == "RESOURCE_EXHAUSTED"
            assert parameters["retry_after_s"] >= 0
            refused.add(number)
    assert refused == {3, 4, 5, 6, 7}


def test_streams_do_not_know_each_other(
    served: ServerProcess, dial: Callable[[str], Any], peer, image_of, truth, assert_same
) -> None:
    """The same number on two streams is two requests; one that hangs up harms no other."""
    other = dial(served.address)
    try:
        ours = peer.pieces(NAME, 1, image_of(1), 30_000)
        theirs = other.pieces(NAME, 1, image_of(2), 30_000)
        assert _send_all(peer, ours[:1]) == _send_all(other, theirs[:1]) == [30_000]
        assert _send_all(other, theirs[1:]) == [SIZE]
        assert_same(other.answer(1, truth(image_of(2))), truth(image_of(2)))
        _send_all(other, other.pieces(NAME, 5, image_of(2), 30_000)[:1])
    finally:
        other.close()
    assert _send_all(peer, ours[1:]) == [SIZE]
    assert_same(peer.answer(1, truth(image_of(1))), truth(image_of(1)))


def test_a_termination_lets_requests_under_way_finish(
    counting: Path, dial: Callable[[str], Any]
) -> None:
    """After SIGTERM the answer that is being computed still comes; then the process ends well."""
    x = np.eye(256, dtype=np.float32)
    with ServerProcess([str(counting)]) as process:
        peer = dial(process.address)
        try:
            slow = {"x": x, "rounds": np.array([3000])}
            began_s = time.perf_counter()
            acknowledged = _send_all(peer, peer.pieces("counting", 1, slow, 300_000))
            assert acknowledged[-1] == x.nbytes + 8
            process._process.terminate()
            terminated_s = time.perf_counter() - began_s
            # Nothing more to ask: a server that has drained hangs up on who may still ask.
            peer.end()
            received_bytes = 0
            while received_bytes < x.nbytes:
                kind, _, message = peer.receive()
                assert kind == RESULT
                response = message.infer_response
                received_bytes += len(frames.response_chunk(response).payload)
                if "tail_s" in response.parameters:  # it ran on long after the signal
                    assert response.parameters["tail_s"].double_param > terminated_s
            assert peer.is_over()
        finally:
            peer.close()
        assert process._process.wait(timeout=30) == 0
