"""The answer of a study of experts, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from typing import Any

from hf_apt.analysis.experts.arms import DIRECTIONS, FRESH, OWN
from hf_apt.analysis.experts.finetuned_tables import finetuned_finding
from hf_apt.analysis.experts.greedy_tables import greedy_finding

_ERRORS = 2.0
"""Standard errors from which a difference is called one."""


def experts_findings(results: dict[str, Any], kinds: str, tokens: Sequence[str]) -> list[str]:
    """The findings of a study, from its `results`: the answer first."""
    made = [
        _verdict(results["read_out"], kinds, "by read-outs of their own"),
        _verdict(results["silenced"], kinds, "with all others silenced"),
    ]
    if results["probes"]:
        made.append(_verdict(results["probes"], kinds, f"by probes on {results['task']}"))
    made += [_named(results, kinds, tokens), _together(results, kinds)]
    if results["greedy"]:
        made.append(greedy_finding(results["greedy"], kinds, results["num_parts"]))
    if results["finetuned"]:
        made.append(finetuned_finding(results["finetuned"], results["names"], kinds))
    return list(filter(None, made))


def _verdict(arms: dict[str, Any], kinds: str, how: str) -> str:
    gain = arms[OWN]["choice_gain"]
    if gain["value"] is None:
        return f"{how[0].upper()}{how[1:]}, too few tokens were asked for to compare {kinds}."
    others = {name: arms[name]["choice_gain"] for name in (DIRECTIONS, FRESH) if name in arms}
    others = {name: other for name, other in others.items() if other["value"] is not None}
    is_more = [_is_above(gain, other) for other in others.values()]
    is_some = _is_above(gain, {"value": 0.0, "standard_error": 0.0})
    if is_some and all(is_more):
        answer = f"{kinds} specialise"
    elif is_some:
        answer = f"{kinds} differ in what they know, but no more than a control does"
    else:
        answer = f"that {kinds} know different tokens cannot be told"
    said = "; ".join(f"{name} {_shown(other)}" for name, other in others.items())
    return (
        f"{how[0].upper()}{how[1:]}, {answer}: asking for each token the part that knows it best "
        f"gains {_shown(gain)} in mean APT over the best part for all"
        + (f" ({said})." if said else ".")
    )


def _is_above(one: dict[str, Any], other: dict[str, Any]) -> bool:
    error = hypot(one["standard_error"] or 0.0, other["standard_error"] or 0.0)
    return one["value"] - other["value"] > _ERRORS * error


def _shown(estimate: dict[str, Any]) -> str:
    error = estimate["standard_error"]
    return f"{estimate['value']:.4f}" + ("" if error is None else f" ± {error:.4f}")


def _named(results: dict[str, Any], kinds: str, tokens: Sequence[str]) -> str:
    of_read_outs, of_silenced = results["read_out"][OWN], results["silenced"][OWN]
    num, other = len(of_read_outs["experts"]), len(of_silenced["experts"])
    sentence = (
        f"Of {of_read_outs['num_looked_at']:,} pairs of part and token, {num} are experts by "
        f"read-outs and {other} with all others silenced"
    )
    if not num:
        return f"{sentence}."
    one = of_read_outs["experts"][0]
    name = results["names"][one["part"]]
    return (
        f"{sentence}; the largest lead has {name} in {tokens[one['token']]!r}, right in "
        f"{one['hits']} of {one['support']} cases where the next best part reaches "
        f"{one['next_apt']:.2f}."
    )


def _together(results: dict[str, Any], kinds: str) -> str:
    last = results["kept"][-1]
    none = results["ends"]["none"]["mean_apt"]
    num, num_parts = len(results["names"]), results["num_parts"]
    gains = (
        "the gains of single parts add up to"
        if num == num_parts
        else f"{num_parts} times the mean gain of the {num} that were asked alone adds up to"
    )
    return (
        f"With no part of the block kept, mean APT is {_shown(none)}, with all {num_parts} {kinds} "
        f"{_shown(last['mean_apt'])}; {gains} {last['sum_of_singles']:.4f}."
    )
