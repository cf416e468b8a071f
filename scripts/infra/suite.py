"""All checks of a project, in the order in which one makes sense of another."""

from __future__ import annotations

from pathlib import Path

from scripts.infra import (
    check,
    custom_roles,
    event_rules,
    figures,
    find,
    functions_app,
    order,
    policies,
    project,
    roles,
    rules,
    settings,
    sign_in,
)
from scripts.infra.faults import Fault


def faults(root: Path, *, thorough: bool = True) -> tuple[list[check.Deployment], list[Fault]]:
    """Return what the templates of a project deploy, and what is wrong with them.

    A file that is no Bicep, or a name that stands for nothing, leaves the rest unjudged.

    Args:
        root: folder of the project.
        thorough: with all example values; else with two sets of them.
    """
    files, found = check.read(root)
    if any(fault.rule in check.BLIND for fault in found):
        return [], sorted(set(found))
    found += check.unused_outputs(files)
    deployments, more = check.evaluate(root, files, thorough=thorough)
    found += more
    app = functions_app.read(root)
    for deployment in deployments:
        for part in (rules, roles, sign_in, policies, order):
            found += part.check(deployment)
        found += event_rules.check(deployment, app)
        found += settings.check(deployment, app, root)
        for role in find.of(deployment, "Microsoft.Authorization/roleDefinitions"):
            found += custom_roles.check_deployed(role)
        found += tables(deployment, app)
    found += figures.check(deployments, root)
    found += custom_roles.check_files(root)
    found += project.check(root, files, deployments)
    return deployments, sorted(set(found))


def tables(deployment: check.Deployment, app: functions_app.FunctionsApp) -> list[Fault]:
    """Return where the tables that are deployed are not those that the code uses."""
    made = list(find.of(deployment, "Microsoft.Storage/storageAccounts/tableServices/tables"))
    names = {str(one.last_name) for one in made}
    if not made or names == app.tables:
        return []
    message = f"the ledger has the tables {', '.join(sorted(app.tables))}; deploy just those"
    return [Fault(made[0].place, "tables", message)]
