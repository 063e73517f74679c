"""Every claim of the L-Mul paper beside what is measured, with a verdict."""
