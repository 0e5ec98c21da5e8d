"""Names of kernels, of parameters that they are over, and of ways to fine-tune."""

from __future__ import annotations

from typing import Literal, get_args

KernelKind = Literal["sgd", "sign_gd", "a_sign_gd"]
"""`sgd`: products of gradients. `sign_gd`: of their signs. `a_sign_gd`: of gradients of a text with
signs of a training text."""

KERNEL_KINDS: tuple[KernelKind, ...] = get_args(KernelKind)

Selection = Literal["all", "no_embeddings", "no_head", "blocks", "biases"]
"""Which parameters a kernel is over: all that are trained, without embeddings, without the head,
without both, or biases alone."""

SELECTIONS: tuple[Selection, ...] = get_args(Selection)

Arm = Literal["sgd", "adam", "lora"]
"""A way to fine-tune: plain gradient descent, Adam, or Adam on LoRA adapters."""

ARMS: tuple[Arm, ...] = get_args(Arm)

SIGN_FLOOR = 1e-6
"""Gradients of at most this share of the largest have no sign: about what float32 rounds."""
