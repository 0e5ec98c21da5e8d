"""Compiles the kernel of the screen for cards that need not be there, and prints what it takes.

A script: of each compute capability a line with the bytes of shared memory, and whether its product
runs on tensor cores.
"""

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from hf_apt.depths.sweep.kernel import screened

CONSTANTS = {"WIDTH": 768, "ROWS": 128, "TOKENS": 128, "STEP": 64, "WIDEN": False}
TYPES = {"features_ptr": "*bf16", "weight_ptr": "*bf16", "ids_ptr": "*i32"}


def type_of(name: str) -> str:
    if name in CONSTANTS:
        return "constexpr"
    return TYPES.get(name, "*fp32" if name.endswith("_ptr") else "i32")


if __name__ == "__main__":
    names = screened.arg_names
    aligned = [["tt.divisibility", 16]]
    source = ASTSource(
        fn=screened,
        signature={name: type_of(name) for name in names},
        constexprs=CONSTANTS,
        attrs={(i,): aligned for i, name in enumerate(names) if name.endswith("_ptr")},
    )
    for capability in (80, 90):
        target = GPUTarget("cuda", capability, 32)
        compiled = triton.compile(source, target=target, options={"num_warps": 8, "num_stages": 3})
        product = "wgmma" if capability == 90 else "mma.sync"
        print(capability, compiled.metadata.shared, product in compiled.asm["ptx"])
