"""Empirical kernels: golden numbers, an explicit Jacobian, additivity, memory, tied weights."""

import re

import numpy as np
import pytest
import torch
from small_functions import (
    LinearModel,
    function_of,
    tiny_classifier,
    tiny_masked_lm,
    vector_rows,
)
from torch.func import functional_call, jacrev

from hf_apt.analysis.kernels.empirical_kernels import (
    KernelTexts,
    empirical_kernels,
    planned_kernels,
    stream_kernels,
)
from hf_apt.analysis.kernels.kernel_names import KERNEL_KINDS
from hf_apt.analysis.kernels.logits_function import LogitsFunction, prompted_logits
from hf_apt.analysis.kernels.prompt import Prompt
from hf_apt.stats.kernels.kernel_tensor import as_square

TEXTS = ["w1 w2 w3", "w4 w5", "w6 w7 w8 w9 w1", "w2 w2"]
HEAD = r"pooler|classifier"
PROMPT = Prompt("{text} w9 {mask} w3", ("w10", "w20", "w30"))


def jacobian(function: LogitsFunction, rows) -> dict[str, np.ndarray]:
    """The derivative of all outputs by each parameter, by reverse mode of the whole batch."""
    batch = function.batch(rows)
    weights = {name: each.detach() for name, each in function.model.named_parameters()}

    def outputs(weights):
        answer = functional_call(function.model, weights, (), batch.inputs)
        logits = answer.logits
        if function.word_ids:
            logits = logits[torch.arange(len(rows)), batch.positions_B][:, list(function.word_ids)]
        return logits

    derivatives = jacrev(outputs)(weights)
    return {name: each.flatten(2).numpy() for name, each in derivatives.items()}


def signs_of(parts: dict[str, np.ndarray], last: str) -> np.ndarray:
    """Signs of gradients that are more than a millionth of the largest whose name has `last`."""
    whole = np.concatenate(list(parts.values()), axis=2)
    of_last = [each for name, each in parts.items() if re.search(last, name)]
    largest = abs(np.concatenate(of_last, axis=2)).max(axis=2, keepdims=True)
    return np.sign(whole) * (abs(whole) > 1e-6 * largest)


def from_jacobian(parts: dict[str, np.ndarray], num_train: int, last: str) -> dict:
    """All three kernels by their definition; `last` is in the names of the last group."""
    whole, signs = np.concatenate(list(parts.values()), axis=2), signs_of(parts, last)
    pairs = {"sgd": (whole, whole), "sign_gd": (signs, signs), "a_sign_gd": (whole, signs)}
    return {
        kind: np.einsum("jow,ipw->joip", one, other[:num_train])
        for kind, (one, other) in pairs.items()
    }


@pytest.fixture
def classifier(tokenizer) -> LogitsFunction:
    return tiny_classifier(tokenizer)


def test_golden_numbers_of_a_linear_model() -> None:
    """f(x) = W x at x = (1, -2) and x' = (3, 0.5): blocks 2 I, 0 I, -1 I signing x', 2.5 I x."""
    vectors = torch.tensor([[1.0, -2.0], [3.0, 0.5]], dtype=torch.float64)
    function = function_of(LinearModel(vectors, 3))
    kernels = empirical_kernels(KernelTexts(function, vector_rows(2)))
    expected = {"sgd": 2.0, "sign_gd": 0.0, "a_sign_gd": -1.0}
    for kind, value in expected.items():
        np.testing.assert_allclose(kernels[kind][0, :, 1], value * np.eye(3), atol=1e-12)
    np.testing.assert_allclose(kernels["a_sign_gd"][1, :, 0], 2.5 * np.eye(3), atol=1e-12)


def test_all_kernels_are_those_of_the_explicit_jacobian(classifier) -> None:
    rows = classifier.rows(TEXTS)
    texts = KernelTexts(classifier, rows[:3], rows[3:])
    expected = from_jacobian(jacobian(classifier, rows), 3, HEAD)
    kernels = empirical_kernels(texts)
    for kind in KERNEL_KINDS:
        assert kernels[kind].shape == (4, 3, 3, 3)
        np.testing.assert_allclose(kernels[kind], expected[kind], rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("tied", [True, False])
def test_a_prompted_model_is_that_of_its_jacobian(tokenizer, tied) -> None:
    """The texts' tokens and the prompt's words alone have gradients in the large tables."""
    model = tiny_masked_lm(tokenizer, tied=tied)
    function = prompted_logits(model, tokenizer, PROMPT, sequence_length=16)
    rows = function.rows(TEXTS)
    texts = KernelTexts(function, rows)
    _, kept = planned_kernels(texts)
    assert len(kept) == (1 if tied else 2)
    assert max(map(len, kept.values())) < len(tokenizer) / 2
    expected = from_jacobian(jacobian(function, rows), 4, r"^cls\.")
    for kind, kernel in empirical_kernels(texts).items():
        np.testing.assert_allclose(kernel, expected[kind], rtol=1e-6, atol=1e-10)


def test_a_tied_matrix_counts_once_by_the_sum_of_its_gradients(tokenizer) -> None:
    """Against an untied model with equal weights, whose two gradients are added."""
    tied, untied = (tiny_masked_lm(tokenizer, tied=each) for each in (True, False))
    state = tied.state_dict()
    untied.load_state_dict(state)
    one, two = (prompted_logits(m, tokenizer, PROMPT, sequence_length=16) for m in (tied, untied))
    parts = jacobian(two, two.rows(TEXTS))
    words, head = "bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"
    parts[words] = parts[words] + parts.pop(head)
    kernel = empirical_kernels(KernelTexts(one, one.rows(TEXTS), kinds=("sgd",)))
    expected = from_jacobian(parts, 4, r"^cls\.")["sgd"]
    np.testing.assert_allclose(kernel["sgd"], expected, rtol=1e-8)


def test_training_kernels_are_symmetric_and_positive(classifier) -> None:
    kernels = empirical_kernels(KernelTexts(classifier, classifier.rows(TEXTS)))
    for kind in ("sgd", "sign_gd"):
        matrix = as_square(kernels[kind])
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-9)
        assert np.linalg.eigvalsh(matrix).min() > -1e-9


def test_the_diagonal_of_signs_counts_gradients_that_are_not_zero(classifier) -> None:
    rows = classifier.rows(TEXTS)
    kernel = empirical_kernels(KernelTexts(classifier, rows, kinds=("sign_gd",)))["sign_gd"]
    counts = abs(signs_of(jacobian(classifier, rows), HEAD)).sum(axis=2)
    np.testing.assert_array_equal(np.einsum("ioio->io", kernel), counts)


def test_rounding_has_no_sign(tokenizer) -> None:
    """An attention's key biases change nothing: in float32 their gradients are rounding alone."""
    function = tiny_classifier(tokenizer, dtype=torch.float32)
    rows = function.rows(TEXTS)
    names = [name for name, _ in function.model.named_parameters() if "key.bias" in name]
    parts = {name: each for name, each in jacobian(function, rows).items() if name in names}
    assert (np.concatenate(list(parts.values()), axis=2) != 0).any()
    exact = empirical_kernels(KernelTexts(tiny_classifier(tokenizer), rows, kinds=("sign_gd",)))
    rounded = empirical_kernels(KernelTexts(function, rows, kinds=("sign_gd",)))
    np.testing.assert_array_equal(exact["sign_gd"], rounded["sign_gd"])
    signed = empirical_kernels(KernelTexts(function, rows, kinds=("sign_gd",), sign_floor=0))
    assert np.einsum("ioio->", signed["sign_gd"]) > np.einsum("ioio->", rounded["sign_gd"])


def test_the_kernel_is_the_sum_over_groups(classifier) -> None:
    rows = classifier.rows(TEXTS)
    texts = KernelTexts(classifier, rows[:2], rows[2:])
    parts = list(stream_kernels(texts))
    assert [part.group.name for part in parts] == [
        "embeddings",
        *(f"block {n} {kind}" for n in (1, 2) for kind in ("attention", "feed-forward", "norms")),
        "head",
    ]
    whole = from_jacobian(jacobian(classifier, rows), 2, HEAD)
    for kind in KERNEL_KINDS:
        total = sum(part.kernels[kind] for part in parts)
        np.testing.assert_allclose(total, whole[kind], rtol=1e-6, atol=1e-10)


def test_less_memory_takes_more_passes_and_gives_the_same(classifier) -> None:
    rows = classifier.rows(TEXTS)
    plenty = KernelTexts(classifier, rows[:3], rows[3:])
    least = None
    for memory in range(5_000, 200_000, 5_000):
        tight = KernelTexts(classifier, rows[:3], rows[3:], memory=memory)
        try:
            plan, _ = planned_kernels(tight)
        except ValueError:
            continue
        least = tight
        break
    assert least is not None
    assert plan.num_bytes <= least.memory
    assert plan.num_passes > planned_kernels(plenty)[0].num_passes == 1
    assert any(share.num_held < 3 for share in plan.shares)
    for kind, kernel in empirical_kernels(least).items():
        np.testing.assert_allclose(kernel, empirical_kernels(plenty)[kind], rtol=1e-9, atol=1e-12)


def test_the_plan_counts_the_sums_over_groups_beside_the_kernels_of_a_group() -> None:
    texts = KernelTexts(function_of(LinearModel(torch.ones(40, 1), 3)), vector_rows(40))
    of_groups = sum(each.nbytes for each in next(stream_kernels(texts)).kernels.values())
    assert 3 * of_groups < planned_kernels(texts)[0].num_bytes < 3.2 * of_groups


def test_too_little_memory_is_said_before_any_work(classifier) -> None:
    rows = classifier.rows(TEXTS)
    with pytest.raises(ValueError, match=r"kernel of embeddings needs 0\.\d+ MiB of memory"):
        next(stream_kernels(KernelTexts(classifier, rows, memory=1000)))
    with pytest.raises(ValueError, match="no training texts"):
        next(stream_kernels(KernelTexts(classifier, [])))


def test_padding_changes_no_output(classifier) -> None:
    rows = classifier.rows(TEXTS)
    alone = torch.cat([classifier.outputs([row]) for row in rows])
    torch.testing.assert_close(classifier.outputs(rows), alone, rtol=1e-9, atol=1e-12)


def test_single_precision_is_near_double(tokenizer) -> None:
    rows = tiny_classifier(tokenizer).rows(TEXTS)
    double, single = (
        empirical_kernels(KernelTexts(tiny_classifier(tokenizer, dtype=dtype), rows))
        for dtype in (torch.float64, torch.float32)
    )
    np.testing.assert_allclose(double["sgd"], single["sgd"], rtol=1e-3, atol=1e-4)


def test_bfloat16_counts_signs_exactly() -> None:
    """500 products of signs and the number 501 have no bfloat16 of their own."""
    vectors = torch.ones(1, 501, dtype=torch.bfloat16)
    texts = KernelTexts(function_of(LinearModel(vectors, 3)), vector_rows(1))
    with pytest.warns(UserWarning, match="bfloat16 are rounded by 0.008 .* in float32"):
        kernels = empirical_kernels(texts)
    for kind, kernel in kernels.items():
        assert kernel[0, 0, 0, 0] == 501, kind


def test_two_classes_have_the_gradient_of_their_difference(tokenizer) -> None:
    function = tiny_classifier(tokenizer, num_labels=2)
    rows = function.rows(TEXTS)
    parts = {name: each[:, 1:] - each[:, :1] for name, each in jacobian(function, rows).items()}
    expected = from_jacobian(parts, 4, HEAD)
    for kind, kernel in empirical_kernels(KernelTexts(function, rows)).items():
        assert kernel.shape == (4, 1, 4, 1)
        np.testing.assert_allclose(kernel, expected[kind], rtol=1e-6, atol=1e-10)


def test_the_model_is_left_as_it_was(classifier) -> None:
    before = {name: each.clone() for name, each in classifier.model.state_dict().items()}
    empirical_kernels(KernelTexts(classifier, classifier.rows(TEXTS)))
    assert all(
        torch.equal(before[name], each) for name, each in classifier.model.state_dict().items()
    )
    assert all(each.requires_grad and each.grad is None for each in classifier.model.parameters())


def test_one_step_moves_outputs_by_the_kernel() -> None:
    """f(x) moves by -rate * sum K(x, x_i) dl/df(x_i), exactly for a linear model."""
    vectors = torch.randn(5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    model = LinearModel(vectors, 3)
    function, rows = function_of(model), vector_rows(5)
    kernel = empirical_kernels(KernelTexts(function, rows[:3], rows[3:], kinds=("sgd",)))["sgd"]
    before = function.outputs(rows)
    outputs = function(function.batch(rows[:3]))
    slope = outputs.detach().softmax(dim=1) - torch.eye(3, dtype=torch.float64)
    torch.nn.functional.cross_entropy(outputs, torch.arange(3), reduction="sum").backward()
    assert model.weight.grad is not None
    with torch.no_grad():
        model.weight -= 0.1 * model.weight.grad
    moved = -0.1 * np.einsum("joip,ip->jo", kernel, slope.numpy())
    np.testing.assert_allclose((function.outputs(rows) - before).numpy(), moved, atol=1e-12)
