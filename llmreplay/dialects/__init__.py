"""What is known about each provider's wire, one file or folder a provider, and the registry.

Dialects are data and small functions; they do no IO and do not know each other. A new one
needs its file here and a line in `registry.DIALECTS`.
"""
