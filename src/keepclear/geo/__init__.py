"""Numbers about space and time: arrays in, arrays out, each with its error bound."""
