"""An arithmetic from outside: exact products of floats whose mantissas were cut short."""
