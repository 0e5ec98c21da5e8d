"""The arg-max of float32 rows screened in bfloat16, against sweeps that multiply all in float32."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from hf_apt.data.tokens import Tokens
from hf_apt.depths.sweep.chunks import chunked_argmax

from ..ratio import limit, report
from .sizes import DEVICE, Sizes
from .timing import random, seconds


@torch.no_grad()
def run(sizes: Sizes, tokens: Tokens, rate: float, folder: Path) -> bool:
    """Rows near their answers, as those of a trained model are, and rows at random.

    Beside the ratios: the candidates of a row, the share of rows that are left to the float32
    sweep, and the rows whose ids differ from its own, of which there may be none.
    """
    if DEVICE.type != "cuda":
        limit("screening: not compared, no card here", ours=0.0, unit="rows")
        return True
    single = torch.float32
    weight = random(sizes.vocab_size, sizes.hidden_size, dtype=single)
    bias = random(sizes.vocab_size, dtype=single)
    passed = []
    for rows in sizes.rows:
        answers = torch.randint(sizes.vocab_size, (rows,), device=DEVICE)
        at_random = random(rows, sizes.hidden_size, dtype=single) * 3
        for name, features in (("trained", at_random + 6 * weight[answers]), ("random", at_random)):
            passed += _compared(f"{rows} rows, {name}", features, weight, bias)
    return all(passed)


def _compared(
    name: str, features: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
) -> list[bool]:
    from hf_apt.depths.sweep.launch import Tiling, kernel_screen, screened_argmax
    from hf_apt.depths.sweep.screen import UNPROVEN, proven_ids

    narrow = Tiling(tokens=64)
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: screened_argmax(features, weight, bias),
        "ours, tiles of 64 tokens": lambda: screened_argmax(features, weight, bias, tiling=narrow),
        "the screen alone": lambda: kernel_screen(features, weight, bias),
        "float32 sweep": lambda: chunked_argmax(features, weight, bias),
        "float32 logits, argmax": lambda: nn.functional.linear(features, weight, bias).argmax(-1),
    }
    times = {way: seconds(call, 10) for way, call in ways.items()}
    for way in ("ours, tiles of 64 tokens", "the screen alone"):
        limit(f"screening {name}: {way}", ours=times[way])
    screen = kernel_screen(features, weight, bias)
    unproven = proven_ids(screen, features, weight, bias) == UNPROVEN
    differ = screened_argmax(features, weight, bias) != chunked_argmax(features, weight, bias)
    candidates, swept = screen.num_candidates_N.double().mean(), unproven.double().mean()
    limit(f"screening {name}: candidates a row", ours=float(candidates), unit="tokens")
    limit(f"screening {name}: left to the float32 sweep", ours=float(swept), unit="of rows")
    return [
        limit(f"screening {name}: other ids", ours=float(differ.sum()), at_most=0.0, unit="rows"),
        *(
            report(
                f"screening {name}: {way} / ours",
                ours=times["ours"],
                peer=times[way],
                at_least=1.0,
            )
            for way in ("float32 sweep", "float32 logits, argmax")
        ),
    ]
