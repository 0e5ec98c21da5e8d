"""The kernel of frozen states: ridge regression on them, and the states of every depth."""

import numpy as np
import torch
from small_functions import (
    tiny_classifier,
    tiny_gpt2,
    tiny_gpt2_classifier,
    tiny_masked_lm,
    tiny_modernbert_classifier,
)

from hf_apt.analysis.kernels.logits_function import prompted_logits
from hf_apt.analysis.kernels.prompt import Prompt
from hf_apt.analysis.kernels.state_kernel import depth_answer_states, state_kernel
from hf_apt.stats.kernels.ridge import kernel_prediction, kernel_ridge

RNG = np.random.default_rng(6)


def test_it_is_ridge_regression_on_states_with_a_bias() -> None:
    states, targets = RNG.normal(size=(9, 4)), RNG.normal(size=(6, 2))
    kernel = state_kernel(states, 6, 2)
    solved = kernel_ridge(kernel[:6], targets, regularisation=0.1)
    features = np.c_[states, np.ones(9)]
    shift = 0.1 * np.linalg.norm(features[:6] @ features[:6].T, 2)
    normal = features[:6].T @ features[:6] + shift * np.eye(5)
    expected = features @ np.linalg.solve(normal, features[:6].T @ targets)
    np.testing.assert_allclose(kernel_prediction(kernel, solved), expected, atol=1e-10)


def test_states_are_those_where_the_answer_is_read(tokenizer) -> None:
    model = tiny_masked_lm(tokenizer)
    function = prompted_logits(model, tokenizer, Prompt("{text} {mask}", ("w1", "w2", "w3")))
    rows = function.rows(["w1 w2", "w5"])
    states = depth_answer_states(function, rows)
    assert len(states) == 3
    for place, row in enumerate(rows):
        inputs = torch.tensor([row.inputs["input_ids"]])
        hidden = model.bert(inputs, output_hidden_states=True).hidden_states
        for depth in range(3):
            read = hidden[depth][0, row.position].detach()
            np.testing.assert_allclose(states[depth][place], read, atol=1e-12)


def test_a_classifier_is_read_at_the_first_token(tokenizer) -> None:
    function = tiny_classifier(tokenizer)
    rows = function.rows(["w1 w2"])
    hidden = function.model.bert(torch.tensor([rows[0].inputs["input_ids"]])).last_hidden_state
    read = depth_answer_states(function, rows)[-1][0]
    np.testing.assert_allclose(read, hidden[0, 0].detach(), atol=1e-12)


def test_a_decoder_is_read_at_its_last_token(tokenizer) -> None:
    """By next words, and by a classification head alike; the first token sees no other."""
    words = Prompt("{text} w9 {mask}", ("w1", "w2", "w3"))
    for function in (
        prompted_logits(tiny_gpt2(tokenizer), tokenizer, words, causal=True),
        tiny_gpt2_classifier(tokenizer),
    ):
        rows = function.rows(["w1 w2", "w1 w3 w4"])
        states = depth_answer_states(function, rows)
        for place, row in enumerate(rows):
            inputs = {name: torch.tensor([ids]) for name, ids in row.inputs.items()}
            hidden = function.model.transformer(**inputs, output_hidden_states=True)
            expected = [*hidden.hidden_states[:-1], hidden.last_hidden_state]
            for depth, of_depth in enumerate(expected):
                read = of_depth[0, -1].detach()
                np.testing.assert_allclose(states[depth][place], read, atol=1e-12)


def test_a_head_on_the_mean_is_read_by_the_mean(tokenizer) -> None:
    function = tiny_modernbert_classifier(tokenizer, "mean")
    rows = function.rows(["w1 w2 w3"])
    hidden = function.model.model(torch.tensor([rows[0].inputs["input_ids"]])).last_hidden_state
    read = depth_answer_states(function, rows)[-1][0]
    np.testing.assert_allclose(read, hidden[0].mean(dim=0).detach(), atol=1e-12)
