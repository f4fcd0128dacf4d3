"""The verifier: reads, never writes, never stops at the first finding. It knows nothing of what wrote the case."""
