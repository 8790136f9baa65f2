"""How the help of a command is laid out."""

from argparse import Action
from functools import cache

from jsonargparse import DefaultHelpFormatter

from gisr.apps.option_arguments import repeated_flags


class HelpFormatter(DefaultHelpFormatter):
    """Help without a type and a default behind every option: the text says what matters."""

    def _get_help_string(self, action: Action) -> str:
        return str(action.help or "")

    def _format_args(self, action: Action, default_metavar: str) -> str:
        """Show one value where an option is given once for each, though the parser takes all."""
        if set(action.option_strings) & set(_repeated()):
            return default_metavar
        return str(super()._format_args(action, default_metavar))

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Wrap paragraphs; one whose lines are indented, such as a command, stays as it is."""
        parts = text.split("\n\n")
        fill = super()._fill_text
        return "\n\n".join(
            part if part.startswith(" ") else str(fill(part, width, indent)) for part in parts
        )


@cache
def _repeated() -> dict[str, str]:
    from gisr.pipelines.options import Options

    return repeated_flags(Options)
