"""The one exception that means: the user's input is at fault, and here is what to do."""


class InputError(ValueError):
    """Bad input. A script prints it without a traceback and exits with 2.

    Args:
        what: What is wrong, with the values that show it.
        where: File, cell, column or setting.
        do: What to do next, often a command.
    """

    def __init__(self, what: str, where: object = "", do: str = "") -> None:
        self.what, self.where, self.do = what, str(where), do
        super().__init__(what, self.where, do)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.do:
            lines.append(f"  what to do: {self.do}")
        return "\n".join(lines)
