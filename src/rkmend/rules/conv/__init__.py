"""Rules about convolutions, pooling and the limits of the hardware."""
