"""What leaves a case and proves itself."""
