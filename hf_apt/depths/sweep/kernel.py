"""The sweep as Triton kernels: logits live in registers, a tile at a time, and are never stored.

Each program takes a block of rows through one part of the vocabulary. `swept` keeps, in float32,
the largest logit, its lowest id, the sum of exponentials and the target's logit of each row;
`screened` keeps bounds of what the logits would be in another precision.
"""

# Triton's own meaning of indices is not known to pyright.
# pyright: reportArgumentType=false, reportCallIssue=false

from __future__ import annotations

import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]


@triton.jit
def _products(
    features_ptr,
    weight_ptr,
    row_starts,
    token_starts,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    TOKENS: tl.constexpr,
    STEP: tl.constexpr,
    WIDEN: tl.constexpr,
):
    """The products of a block of rows with a tile of tokens, summed in float32."""
    columns = tl.arange(0, STEP)
    products = tl.zeros((ROWS, TOKENS), tl.float32)
    for step in range(0, WIDTH, STEP):
        row_pointers = features_ptr + row_starts[:, None] + (step + columns)[None, :]
        token_pointers = weight_ptr + token_starts[None, :] + (step + columns)[:, None]
        if WIDTH % STEP == 0:
            row_values = tl.load(row_pointers)
            token_values = tl.load(token_pointers)
        else:
            is_column = step + columns < WIDTH
            row_values = tl.load(row_pointers, mask=is_column[None, :], other=0.0)
            token_values = tl.load(token_pointers, mask=is_column[:, None], other=0.0)
        if WIDEN:
            row_values = row_values.to(tl.float32)
            token_values = token_values.to(tl.float32)
        # "ieee" is about float32 operands, which would else be rounded to TF32.
        products = tl.dot(row_values, token_values, products, input_precision="ieee")
    return products


@triton.jit(do_not_specialize=["num_rows", "num_tokens", "tiles_in_part"])
def swept(
    features_ptr,
    weight_ptr,
    bias_ptr,
    targets_ptr,
    best_ptr,
    ids_ptr,
    sums_ptr,
    target_logits_ptr,
    num_rows,
    num_tokens,
    tiles_in_part,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    TOKENS: tl.constexpr,
    STEP: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    HAS_TARGETS: tl.constexpr,
    WIDEN: tl.constexpr,
):
    """Program (i, j) reads the i-th block of rows against the j-th part of the vocabulary."""
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    part = tl.program_id(1)
    is_row = rows < num_rows
    # Beyond the edge the last row or token is read again, which needs no mask; its logits are not
    # stored, or taken for -inf.
    row_starts = tl.minimum(rows, num_rows - 1).to(tl.int64) * WIDTH
    best = tl.full((ROWS,), float("-inf"), tl.float32)
    best_ids = tl.zeros((ROWS,), tl.int32)
    sums = tl.zeros((ROWS,), tl.float32)
    target_logits = tl.zeros((ROWS,), tl.float32)
    if HAS_TARGETS:
        targets = tl.load(targets_ptr + rows, mask=is_row, other=-1).to(tl.int32)

    first = part * tiles_in_part * TOKENS
    end = tl.minimum(first + tiles_in_part * TOKENS, num_tokens)
    for start in range(first, end, TOKENS):
        tokens = start + tl.arange(0, TOKENS)
        is_token = tokens < num_tokens
        token_starts = tl.minimum(tokens, num_tokens - 1).to(tl.int64) * WIDTH
        logits = _products(
            features_ptr, weight_ptr, row_starts, token_starts, WIDTH, ROWS, TOKENS, STEP, WIDEN
        )
        if HAS_BIAS:
            bias = tl.load(bias_ptr + tokens, mask=is_token, other=0.0).to(tl.float32)
            logits += bias[None, :]
        # A maximum passes over NaN; infinity stays to the end, where it is no answer either.
        logits = tl.where(logits == logits, logits, float("inf"))
        logits = tl.where(is_token[None, :], logits, float("-inf"))

        largest = tl.max(logits, axis=1)
        largest_ids = tl.where(logits == largest[:, None], tokens[None, :], 2147483647)
        better = largest > best
        best_ids = tl.where(better, tl.min(largest_ids, axis=1), best_ids)
        new_best = tl.maximum(best, largest)
        if HAS_TARGETS:
            # Where all logits are -inf so far there is nothing to take off.
            offset = tl.where(new_best == float("-inf"), 0.0, new_best)
            sums = sums * tl.exp(best - offset)
            sums += tl.sum(tl.exp(logits - offset[:, None]), axis=1)
            is_target = targets[:, None] == tokens[None, :]
            target_logits += tl.sum(tl.where(is_target, logits, 0.0), axis=1)
        best = new_best

    out = part.to(tl.int64) * num_rows + rows
    tl.store(best_ptr + out, best, mask=is_row)
    tl.store(ids_ptr + out, best_ids, mask=is_row)
    if HAS_TARGETS:
        tl.store(sums_ptr + out, sums, mask=is_row)
        tl.store(target_logits_ptr + out, target_logits, mask=is_row)


@triton.jit(do_not_specialize=["num_rows", "num_tokens", "num_tiles", "tiles_in_part"])
def screened(
    features_ptr,
    weight_ptr,
    row_terms_ptr,
    token_terms_ptr,
    uppers_ptr,
    ids_ptr,
    seconds_ptr,
    lowers_ptr,
    num_rows,
    num_tokens,
    num_tiles,
    tiles_in_part,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    TOKENS: tl.constexpr,
    STEP: tl.constexpr,
    WIDEN: tl.constexpr,
):
    """Program (i, j) bounds the logits of the i-th block of rows in the j-th part of the tiles.

    Tile t holds the tokens t, t + num_tiles, t + 2 num_tiles, ...: tokens of neighbouring ids, of
    which several can be candidates of a row, are in different ones.
    """
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    part = tl.program_id(1)
    is_row = rows < num_rows
    near_rows = tl.minimum(rows, num_rows - 1)
    row_starts = near_rows.to(tl.int64) * WIDTH
    row_sizes = tl.load(row_terms_ptr + near_rows)
    row_losses = tl.load(row_terms_ptr + num_rows + near_rows)
    lowers = tl.full((ROWS,), float("-inf"), tl.float32)
    seconds = tl.full((ROWS,), float("-inf"), tl.float32)

    first = part * tiles_in_part
    out = first.to(tl.int64) * num_rows + rows
    for tile in range(first, tl.minimum(first + tiles_in_part, num_tiles)):
        tokens = tile + num_tiles * tl.arange(0, TOKENS)
        is_token = tokens < num_tokens
        near_tokens = tl.minimum(tokens, num_tokens - 1)
        token_starts = near_tokens.to(tl.int64) * WIDTH
        bias = tl.load(token_terms_ptr + near_tokens)
        of_sizes = tl.load(token_terms_ptr + num_tokens + near_tokens)
        of_losses = tl.load(token_terms_ptr + 2 * num_tokens + near_tokens)
        alone = tl.load(token_terms_ptr + 3 * num_tokens + near_tokens)
        logits = _products(
            features_ptr, weight_ptr, row_starts, token_starts, WIDTH, ROWS, TOKENS, STEP, WIDEN
        )
        logits = tl.where(is_token[None, :], logits + bias[None, :], float("-inf"))
        errors = row_sizes[:, None] * of_sizes[None, :] + row_losses[:, None] * of_losses[None, :]
        errors += alone[None, :]

        lowers = tl.maximum(lowers, tl.max(logits - errors, axis=1))
        uppers = logits + errors
        largest = tl.max(uppers, axis=1)
        largest_ids = tl.where(uppers == largest[:, None], tokens[None, :], 2147483647)
        ids = tl.min(largest_ids, axis=1)
        others = tl.where(tokens[None, :] == ids[:, None], float("-inf"), uppers)
        seconds = tl.maximum(seconds, tl.max(others, axis=1))
        tl.store(uppers_ptr + out, largest, mask=is_row)
        tl.store(ids_ptr + out, ids, mask=is_row)
        out += num_rows

    out = part.to(tl.int64) * num_rows + rows
    tl.store(lowers_ptr + out, lowers, mask=is_row)
    tl.store(seconds_ptr + out, seconds, mask=is_row)
