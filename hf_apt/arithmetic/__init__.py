"""How products are made on the processor: in which precision, by which library, in which order.

Exact choices change the time and the order of sums, so that results agree to the rounding of
float32; only bfloat16 rounds further, and is taken where it is asked for or where `auto` may.
"""
