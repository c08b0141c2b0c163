"""What converts and runs worse than it could: operators that leave the NPU, and sizes that leave it idle."""
