"""Slow and obvious loops over plain lists and dictionaries, to hold against `hf_apt`.

Nothing here imports numpy or hf_apt: an oracle shares no code and no trick with what it checks.
"""

import math
from collections.abc import Sequence

Pair = tuple[int, int]
Table = dict[Pair, int]
"""How often each (reference, prediction) occurred."""
Rows = dict[int, dict[int, float]]
"""Normalised rows: token -> prediction -> share of the right answers."""


def pair_counts(references: Sequence[int], predictions: Sequence[int]) -> Table:
    table: Table = {}
    for reference, prediction in zip(references, predictions, strict=True):
        table[reference, prediction] = table.get((reference, prediction), 0) + 1
    return table


def support(table: Table, vocab_size: int) -> list[int]:
    result = [0] * vocab_size
    for (reference, _), count in table.items():
        result[reference] += count
    return result


def hits(table: Table, vocab_size: int) -> list[int]:
    result = [0] * vocab_size
    for (reference, prediction), count in table.items():
        if reference == prediction:
            result[reference] += count
    return result


def apt(table: Table, vocab_size: int) -> list[float | None]:
    """APT of each token; None where it was never asked for."""
    right, asked = hits(table, vocab_size), support(table, vocab_size)
    return [right[token] / asked[token] if asked[token] else None for token in range(vocab_size)]


def mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def standard_error(values: Sequence[float]) -> float | None:
    """Standard deviation (n - 1) by the square root of n; None below two values."""
    if len(values) < 2:
        return None
    centre = math.fsum(values) / len(values)
    variance = math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)
    return math.sqrt(variance / len(values))


def mean_apt(table: Table, vocab_size: int, min_support: int = 1) -> float | None:
    apts, asked = apt(table, vocab_size), support(table, vocab_size)
    often = [token for token in range(vocab_size) if asked[token] >= min_support]
    return mean([value for token in often if (value := apts[token]) is not None])


def apt50(table: Table, frequency: Sequence[int], top: int = 50) -> tuple[float | None, ...]:
    """Mean APT of the `top` most frequent tokens, of the upper half, and of support >= `top`."""
    apts = apt(table, len(frequency))
    ranked: list[float] = []
    left = {token for token, value in enumerate(apts) if value is not None}
    while left:
        best = min(left)
        for token in left:
            if (-frequency[token], token) < (-frequency[best], best):
                best = token
        left.remove(best)
        ranked.append(apts[best] or 0.0)
    half = len(ranked) // 2 + len(ranked) % 2
    return mean(ranked[:top]), mean(ranked[:half]), mean_apt(table, len(frequency), top)


def kept_and_tied(table: Table, vocab_size: int) -> tuple[set[int], set[int]]:
    """Tokens whose right answer is (one of) their commonest, and those of them that tie."""
    kept, tied = set(), set()
    for token in range(vocab_size):
        right = table.get((token, token), 0)
        others = [table.get((token, other), 0) for other in range(vocab_size) if other != token]
        if right > 0 and all(other <= right for other in others):
            kept.add(token)
            if any(other == right for other in others):
                tied.add(token)
    return kept, tied


def normalised(table: Table, vocab_size: int) -> Rows:
    kept, _ = kept_and_tied(table, vocab_size)
    rows: Rows = {token: {} for token in kept}
    for (reference, prediction), count in table.items():
        if reference in kept:
            rows[reference][prediction] = count / table[reference, reference]
    return rows


def strong_matches(rows: Rows, threshold: float) -> set[Pair]:
    found = set()
    for token, row in rows.items():
        for other, share in row.items():
            if other != token and share >= threshold:
                found.add((token, other))
    return found


def error_shares(table: Table, vocab_size: int, least: int = 2) -> Rows:
    """The share of each answer in a kept token's wrong ones, if it was given `least` times."""
    kept, _ = kept_and_tied(table, vocab_size)
    rows: Rows = {token: {} for token in kept}
    for token in kept:
        wrong = {j: n for (i, j), n in table.items() if i == token and j != token}
        for other, count in wrong.items():
            if count >= least:
                rows[token][other] = count / sum(wrong.values())
    return rows


def strengths(table: Table, vocab_size: int, definition: str) -> Rows:
    """What a definition of clusters holds against its threshold."""
    return (error_shares if definition == "errors" else normalised)(table, vocab_size)


def noise_mass(
    table: Table, vocab_size: int, threshold: float, definition: str = "mutual"
) -> list[float]:
    """Share of wrong answers that are no strong match, for each kept token in order."""
    rows = strengths(table, vocab_size, definition)
    strong = strong_matches(rows, threshold)
    result = []
    for token in sorted(rows):
        noise, total = 0, 0
        for (reference, prediction), count in table.items():
            if reference == token:
                total += count
                if prediction != token and (token, prediction) not in strong:
                    noise += count
        result.append(noise / total)
    return result


def clusters(rows: Rows, threshold: float, definition: str) -> list[list[int]]:
    """Clusters of two or more, largest first, then by first token.

    `row`: the token, then its matches, strongest first. The others: ascending.
    """
    strong = strong_matches(rows, threshold)
    found: list[list[int]] = []
    if definition == "row":
        for token, row in rows.items():
            matched = [other for other in row if (token, other) in strong]
            if matched:
                found.append([token, *sorted(matched, key=lambda other: (-row[other], other))])
    else:
        linked = strong if definition == "weak" else {(i, j) for i, j in strong if (j, i) in strong}
        left = {token for pair in linked for token in pair}
        while left:
            component, frontier = set(), [min(left)]
            while frontier:
                token = frontier.pop()
                if token not in component:
                    component.add(token)
                    frontier += [j for i, j in linked if i == token]
                    frontier += [i for i, j in linked if j == token]
            found.append(sorted(component))
            left -= component
    return sorted(found, key=lambda cluster: (-len(cluster), cluster[0]))


def adjusted_rand_index(labels: Sequence[int], others: Sequence[int]) -> float:
    """From its definition over all pairs of tokens: (index - expected) / (maximum - expected)."""
    both = first = second = pairs = 0
    for i in range(len(labels)):
        for j in range(i):
            same, same_other = labels[i] == labels[j], others[i] == others[j]
            pairs += 1
            first += same
            second += same_other
            both += same and same_other
    if first == second == both:  # equal partitions, where the formula may be 0 / 0
        return 1.0
    expected = first * second / pairs
    return (both - expected) / ((first + second) / 2 - expected)


def frequency_bins(
    apts: Sequence[float | None], frequency: Sequence[int], bins_per_decade: int
) -> dict[int, list[float]]:
    """APT values by logarithmic bin: bin k holds 10^k <= frequency^bins_per_decade < 10^(k+1)."""
    bins: dict[int, list[float]] = {}
    for value, occurrences in zip(apts, frequency, strict=True):
        if value is None or occurrences == 0:
            continue
        index = 0
        while 10 ** (index + 1) <= occurrences**bins_per_decade:
            index += 1
        bins.setdefault(index, []).append(value)
    return dict(sorted(bins.items()))


def frequency_groups(
    apts: Sequence[float | None], frequency: Sequence[int], num_groups: int
) -> list[int]:
    """Group of each token, 0 the rarest; -1 never asked for. The r-th of n is in group r K // n."""
    asked = sorted(
        (frequency[token], token) for token, value in enumerate(apts) if value is not None
    )
    groups = [-1] * len(apts)
    for rank, (_, token) in enumerate(asked):
        groups[token] = rank * num_groups // len(asked)
    return groups


def growth_by_frequency(
    before: Sequence[float | None],
    after: Sequence[float | None],
    frequency: Sequence[int],
    num_groups: int,
) -> list[float]:
    """What each group adds to the change of mean APT from one depth to the next."""
    groups = frequency_groups(before, frequency, num_groups)
    asked = sum(group >= 0 for group in groups)
    added = [0.0] * num_groups
    for old, new, group in zip(before, after, groups, strict=True):
        if old is not None and new is not None:
            added[group] += (new - old) / asked
    return added
