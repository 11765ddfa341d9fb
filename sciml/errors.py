"""The one exception for what a user can mend."""


class InputError(ValueError):
    """Input from outside cannot be used as it is.

    The message is one line that says what came, what was expected and what to do;
    the commands print it and exit with status 2.
    """
