"""Holds the screened arg-max to the laws of `sweep_laws`, and prints what it found in other cases.

A script: `screen_laws.py DEVICE`. On the CPU it wants TRITON_INTERPRET=1 from the beginning. It
prints a JSON object: of each case the candidates of a row, the rows that are proven, and the rows
whose ids differ from those of double precision and of the float32 sweep.
"""

import json
import math
import sys
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))

from sweep_laws import LAWS, Backend, quarters  # noqa: E402

from hf_apt.depths.sweep import launch  # noqa: E402
from hf_apt.depths.sweep.chunks import chunked_argmax, chunked_sweep  # noqa: E402
from hf_apt.depths.sweep.error_bounds import rounded_rows, rounded_tokens  # noqa: E402
from hf_apt.depths.sweep.launch import Tiling, kernel_screen, screened_argmax  # noqa: E402
from hf_apt.depths.sweep.screen import UNPROVEN, proven_ids  # noqa: E402

INF, NAN = math.inf, math.nan
ROWS, TOKENS, WIDTH = 64, 1037, 96
FEW = 150
"""Tokens where their number does not matter: the interpreter takes its time for each tile."""
TILING = Tiling(rows=64, tokens=32, width=64, num_warps=4, num_parts=3)

Case = tuple[Tensor, Tensor, Tensor | None]


def screened(features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The screen where it is made for; 16 bits have a kernel of their own."""
    if features.dtype != torch.float32:
        return chunked_argmax(features, weight, bias)
    return screened_argmax(features, weight, bias, tiling=TILING)


def cases() -> dict[str, Case]:
    generator = torch.Generator().manual_seed(3)
    normal = partial(torch.randn, generator=generator)
    features, weight, bias = normal(ROWS, WIDTH), normal(TOKENS, WIDTH) / 8, normal(TOKENS)
    family = weight + 0.2 * normal(TOKENS // 8 + 1, WIDTH).repeat(8, 1)[:TOKENS]
    answers = torch.randint(TOKENS, (ROWS,), generator=generator)
    trained = normal(ROWS, WIDTH) + 4 * family[answers]
    long, padded, outlier = weight.clone(), bias.clone(), features.clone()
    long[500] *= 40
    padded[TOKENS - 1] = -3e4
    outlier[:, 7] += 60
    few, few_bias = weight[:FEW], bias[:FEW]
    twins = few.clone()
    twins[[17, 18, 130]] = 4 * few[4]
    broken = features.clone()
    broken[0, 0], broken[1, 5], broken[2, 9], broken[3] = NAN, INF, -INF, 1e37
    ruled_out = few_bias.clone()
    ruled_out[100:] = -INF
    wrong = few.clone()
    wrong[40, 3] = NAN
    close = weight.clone()
    close[10:30] = weight[0] + 0.002 * normal(20, WIDTH)
    many = normal(ROWS + 9, WIDTH)
    return {
        "random": (features, weight, None),
        "trained": (trained, family, bias),
        "flat": (features * 0.02, weight, None),
        "a token of norm x40": (features, long, bias),
        "a padded token": (features, weight, padded),
        "an outlier feature": (outlier, weight, bias),
        "twenty tokens alike": (weight[0] * 4 + 0.1 * features, close, None),
        "more rows than a block": (many, few, few_bias),
        "ties": (few[4].repeat(ROWS, 1), twins, None),
        "zeros": (features * 0, few, None),
        "rows that are no numbers": (broken, few, few_bias),
        "a weight that is no number": (features, wrong, few_bias),
        "tokens ruled out": (features, few, ruled_out),
        "all tokens ruled out": (features, few, torch.full((FEW,), -INF)),
        "a bias beside which logits are lost": (features, few, few_bias * 0 + 1e5),
        "one token": (features, weight[:1], None),
        "three tokens": (features, weight[:3], bias[:3]),
        "no rows": (features[:0], few, few_bias),
        "one row": (features[:1], few, few_bias),
        "wide rows": (normal(40, 390), normal(FEW, 390) / 8, None),
        "a bias of 16 bits": (features, few, few_bias.bfloat16()),
        "features that lie column by column": (features.t().contiguous().t(), few, few_bias),
        "weights that lie column by column": (features, few.t().contiguous().t(), few_bias),
        "exact quarters": (quarters(40, 3, seed=1), quarters(FEW, 3, seed=2), None),
    }


def num_candidates(features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Tokens whose upper bound reaches the row's largest lower bound, from all of them at once."""
    rows, tokens = rounded_rows(features), rounded_tokens(weight, bias)
    logits = rows.values_NE.double() @ tokens.values_VE.double().T + tokens.terms_4V[0]
    (size, lost), (_, of_size, of_lost, alone) = rows.terms_2N.double(), tokens.terms_4V.double()
    errors = size[:, None] * of_size + lost[:, None] * of_lost + alone
    return (logits + errors >= (logits - errors).amax(1, keepdim=True)).sum(1)


def found_in(case: Case, device: str) -> dict[str, float]:
    features, weight, bias = (None if x is None else x.to(device) for x in case)
    assert features is not None
    assert weight is not None
    screen = kernel_screen(features, weight, bias, tiling=TILING)
    with patch.object(launch, "kernel_screen", return_value=screen):
        ids = screened(features, weight, bias)
    proven = proven_ids(screen, features, weight, bias)
    logits = features.double() @ weight.double().T
    logits = logits if bias is None else logits + bias.double()
    is_proven, is_complete = proven != UNPROVEN, screen.is_complete_N
    candidates = screen.num_candidates_N[is_complete].double()
    counted = num_candidates(features, weight, bias)[is_complete]
    nothing = len(candidates) == 0
    return {
        "rows": len(features),
        "proven": int(is_proven.sum()),
        "complete": len(candidates),
        "mean candidates": NAN if nothing else float(candidates.mean()),
        "median candidates": NAN if nothing else float(candidates.median()),
        "most candidates": NAN if nothing else float(candidates.max()),
        "not the number of all bounds": int((candidates != counted).sum()),
        "not those of double precision": int((proven != logits.argmax(1))[is_proven].sum()),
        "not those of the sweep": int((ids != chunked_argmax(features, weight, bias)).sum()),
        "no answer": int((ids == -1).sum()),
    }


if __name__ == "__main__":
    for law in LAWS:
        law(Backend(screened, chunked_sweep, sys.argv[1]))
    print(json.dumps({name: found_in(case, sys.argv[1]) for name, case in cases().items()}))
