"""The commands. Each reads its arguments, calls one room, and writes what came back."""
