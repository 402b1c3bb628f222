"""coroner: tells why an LLM-agent run failed."""

__version__ = "0.1.0"
