"""Rules about operators that move, select, resize and recur."""
