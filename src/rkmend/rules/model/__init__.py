"""Rules about the model as a whole: operator set, functions, control flow, constants."""
