"""IO in front: connections, tunnels, requests and answers on the wire.

`listener` accepts, and a `greeting` looks at what is spoken: HTTP, TLS, or a CONNECT. HTTP is
handed to a `connection`, and each of its requests to `reverse`; that asks the session, and
`deliver` plays the answer. What is nobody's business goes by through a `relay`. Nothing here
knows cassettes or providers.
"""
