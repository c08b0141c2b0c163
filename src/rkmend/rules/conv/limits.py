"""What the registers of the NPU hold; source: the register widths of the RK3588 and the compiler's REGTASK messages."""

MAX_SIZE = 8192
"""Width, height or channels in the units for pooling, element-wise work and output: 13 bits, stored minus 1."""
MAX_STRIDE = 7
"""Stride of a Conv: 3 bits."""
MAX_PAD = 15
"""Padding of a Conv at the top and the left: 4 bits."""
