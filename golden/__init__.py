"""The golden model: what the numbers are. Imports no hardware description, so it cannot inherit one's mistakes."""
