"""What needs several rooms, one module a journey: taking and sealing a source, opinions about what was sealed.

Knows everybody, decides nothing. Source: the five journeys of the design, specs/store.md section 4.
"""

from evidencekit.journeys.acquire import Acquisition, Sealed, acquire_and_seal, refuse_nesting

__all__ = ["Acquisition", "Sealed", "acquire_and_seal", "refuse_nesting"]
