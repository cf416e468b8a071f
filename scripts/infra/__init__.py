"""A checker of the templates under `infra/`, which needs neither Azure nor the Bicep compiler.

    python -m scripts.infra                 check the project's own templates
    python -m scripts.infra --checkov PATH  and have this Checkov look over what they deploy

From text to faults, one module a step: `lexer` and `parser` make the tree of `syntax`; `symbols`
finds what every name stands for; `unit` and `deploy` evaluate the modules with the values of
`examples` into the resources that Azure would be asked for; `bodies` holds each against the models
of the Azure SDKs; `suite` asks what this project demands of them. It answers with faults that have
a place and a way out; it deploys nothing and asks nobody.
"""
