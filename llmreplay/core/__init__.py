"""Values and decisions. No IO, no clock, no randomness of its own."""
