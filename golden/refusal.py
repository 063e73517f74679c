"""The one exception that means bad input: the command line turns it into a line and exit status 2."""


class Refusal(ValueError):
    """What was given cannot be used. The message is one sentence: what must be, and what was found instead.

    Any other exception that reaches the command line is a fault of the program, and is said to be one.
    """
