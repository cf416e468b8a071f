"""What `azd` runs before and after it deploys: `python3 -m infra.hooks <hook>`.

Only the standard library, from Python 3.9 on: it runs on the machine of whoever deploys, before
anything is installed. It talks to Azure by `az`, and to azd's environment by `azd`.
"""
