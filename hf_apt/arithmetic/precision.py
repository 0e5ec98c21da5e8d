"""Names of the precision in which training multiplies."""

from __future__ import annotations

from typing import Literal

Precision = Literal["auto", "fp32", "bf16"]
"""`fp32`: float32. `bf16`: products in bfloat16, weights, sums and the rest in float32
(torch.autocast). `auto`: bfloat16 on a graphics card that has it; on a processor in pre-training,
where a trial of the model's own step finds it at least 1.3 times as fast as exact float32."""

MeasurePrecision = Literal["fp32", "bf16"]
"""In which precision the trunk of a measured model multiplies; heads and arg-max are float32."""
