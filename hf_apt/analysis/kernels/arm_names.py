"""What kernels and the arms beside them are called."""

KERNEL_NAMES = {"sgd": "K_SGD", "sign_gd": "K_SignGD", "a_sign_gd": "K_A-SignGD"}
"""What kernels are called."""

ARM_NAMES = {
    "start": "before fine-tuning",
    "last_state": "kernel of the last state alone",
    "sgd": "fine-tuning, gradient descent",
    "adam": "fine-tuning, Adam",
    "lora": "fine-tuning, LoRA by Adam",
}
"""What the other arms are called."""
