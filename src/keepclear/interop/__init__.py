"""Other people's formats: pure bytes in, values out."""
