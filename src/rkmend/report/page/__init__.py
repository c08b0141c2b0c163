"""report.html: one file that shows a conversion, readable without rkmend and without a network."""
