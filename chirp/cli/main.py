"""The `chirp` command: its groups, and how failures are told."""

from __future__ import annotations

import sys

import click

from chirp import __version__
from chirp.cli.bench import bench_command
from chirp.cli.capacity import capacity_command
from chirp.cli.demo import demo_command
from chirp.cli.moderation import approve_user, flag_group, invite_group, reject_user
from chirp.cli.output import console, literal
from chirp.cli.serve import serve_command
from chirp.cli.stores import check_command, init_command, migrate_command, stats_command
from chirp.cli.users import key_group, user_group
from chirp.errors import ChirpError


@click.group(
    epilog="Example: chirp serve --data ./data --demo",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="chirp")
def cli() -> None:
    """Chirp: a whole Twitter in one process."""


for command in (
    serve_command,
    init_command,
    demo_command,
    user_group,
    key_group,
    invite_group,
    flag_group,
    stats_command,
    check_command,
    migrate_command,
    bench_command,
    capacity_command,
):
    cli.add_command(command)
user_group.add_command(approve_user)
user_group.add_command(reject_user)


def main() -> None:
    """Run the command line: exit 0, or 1 after one line that says what is wrong."""
    try:
        cli(standalone_mode=True, prog_name="chirp")
    except ChirpError as error:
        console(stderr=True).print(literal(f"chirp: {error}"), style="red", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
