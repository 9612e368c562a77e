"""One party's mind: a pure fold of inputs into state and effects."""
