"""What needs several rooms, one module a journey. Knows everybody, decides nothing.

Source: the journeys of the design, specs/store.md section 4.
"""
