"""Reports that persons read: facts out of the record, then HTML. What is recorded is never called verified."""
