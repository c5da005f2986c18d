"""IO in front: connections, requests and answers on the wire.

`listener` accepts a `connection`, which hands each request to `reverse`; that asks the
session, and `deliver` plays the answer. Nothing here knows cassettes or providers.
"""
