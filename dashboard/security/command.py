"""``sales-dashboard user``: the people who sign in with a password."""

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dashboard.security.users import UsersFile


@click.group("user")
def user() -> None:
    """Add, list and remove people who sign in with a password (SALES_SIGN_IN=basic)."""


@user.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["viewer", "analyst", "admin"]),
    required=True,
    help="viewer looks at pages, analyst queries in SQL too, admin changes data and trains models.",
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(name: str, role: str, password_stdin: bool) -> None:
    """Add NAME, or change their role and password, which ends what they are signed in to."""
    from core.roles import role_named

    users = _users()
    if password_stdin or not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    new = users.put(name, role_named(role), password)
    click.echo(f"{name} is {'now' if new else 'still'} a user with the role {role}, in {users.path}.")


@user.command("list")
def list_users() -> None:
    """List the users and their roles."""
    users = _users()
    found = users.users()
    for one in found.values():
        click.echo(f"{one.name:<40} {one.role}")
    if not found:
        click.echo(f"There are no users in {users.path}.", err=True)


@user.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove NAME; their open pages end within seconds."""
    _users().remove(name)
    click.echo(f"{name} is no user any more.")


def _users() -> "UsersFile":
    from core.settings import read_settings
    from dashboard.security.users import UsersFile, users_path

    return UsersFile(users_path(read_settings()))
