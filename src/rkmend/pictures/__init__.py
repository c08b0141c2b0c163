"""Pictures: drawn from one list of shapes, as SVG and as PNG."""
