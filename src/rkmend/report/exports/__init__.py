"""What a conversion found, in the formats of viewers: Netron and Model Explorer."""
