"""A server of burn proofs for anybody who waits for tokens; no validator is needed.

page_routes   its page, for people;  page/  the files of it
"""
