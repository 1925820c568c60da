"""Deliberately broken variants of the code, and the tests that must catch them."""
