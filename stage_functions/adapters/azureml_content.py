"""What identifies the content of a version in Azure ML, in one form whoever wrote it down.

Azure ML has several addresses for one place, and its SDK writes some of them anew with every edit
of a tag. So that a version stays the same thing, and is recognised in the output of a job that it
was registered from, all of them come to `azureml://datastores/<datastore>/paths/<path>`:

- A datastore of the own workspace has no workspace in its address; of another one it keeps it.
- What a job leaves behind by default lies in `workspaceartifactstore`, below
  `ExperimentRun/dcid.<job>`: `azureml://jobs/<job>/outputs/artifacts/paths/<path>` and
  `runs:/<job>/<path>` are that place.
- Any other output lies in `workspaceblobstore`, below `azureml/<job>/<output>`, unless the job
  names another place: `azureml://jobs/<job>/outputs/<output>/paths/<path>`.
- A slash at the end makes no difference, nor does a `paths/` that was left out.

Where Azure ML puts what a job leaves behind is documented as its default; whoever sends an output
elsewhere and registers it by `azureml://jobs/…` is known by the address that Azure ML then shows
for the version. Pure.
"""

from __future__ import annotations

import re

ARTIFACTS = "artifacts"
"""The output that everything goes to that a job logs."""
_ARTIFACT_STORE, _BLOB_STORE = "workspaceartifactstore", "workspaceblobstore"
_LONG = re.compile(
    r"azureml://subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    r"(?:/providers/Microsoft\.MachineLearningServices)?/workspaces/(?P<workspace>[^/]+)"
    r"/(?P<rest>datastores/.*)\Z",
    re.IGNORECASE | re.DOTALL,
)
_DATASTORE = re.compile(r"datastores/(?P<store>[^/]+)/(?:paths/)?(?P<path>.*)\Z", re.DOTALL)
_OUTPUT = re.compile(
    r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths(?:/(?P<path>.*))?)?/?\Z",
    re.DOTALL,
)
_RUN = re.compile(r"runs:/+(?P<job>[^/]+)/(?P<path>.*)\Z", re.DOTALL)
_SCHEME = "azureml://"
_LEFT = re.compile(
    rf"azureml://datastores/{_ARTIFACT_STORE}/paths/ExperimentRun/dcid\.(?P<job>[^/]+)"
)
_PROVIDER = "microsoft.machinelearningservices"


def content(uri: str, workspace: str) -> str:
    """Return the one form of an address.

    Args:
        uri: as Azure ML or somebody else wrote it.
        workspace: resource id of the workspace that it was read in; "" for a registry.
    """
    output, run = _OUTPUT.match(uri), _RUN.match(uri)
    if output:
        return output_place(output["job"], output["output"], output["path"] or "")
    if run:
        return output_place(run["job"], ARTIFACTS, run["path"])
    long = _LONG.match(uri)
    rest = long["rest"] if long else uri.removeprefix(_SCHEME)
    found = _DATASTORE.match(rest)
    if found is None or not (long or uri.startswith(_SCHEME)):
        return uri
    place = f"datastores/{found['store']}/paths/{found['path'].strip('/')}"
    if long and not _is_own(long, workspace):
        scope = (long[name].lower() for name in ("subscription", "group", "workspace"))
        return "{}subscriptions/{}/resourcegroups/{}/workspaces/{}/{}".format(
            _SCHEME, *scope, place
        )
    return f"{_SCHEME}{place}"


def job_of(uri: str, workspace: str) -> str:
    """Return the job that an address says its content was left behind by, or "".

    Outputs that go elsewhere than into the store of artifacts say nothing: anybody may name a
    folder there like a job. Arguments are as in `content`.
    """
    output = _OUTPUT.match(uri)
    if output:
        return output["job"]
    left = _LEFT.match(content(uri, workspace))
    return left["job"] if left else ""


def output_place(job: str, output: str, path: str = "") -> str:
    """Return where an output of a job lies that names no place of its own."""
    if output == ARTIFACTS:
        store, folder = _ARTIFACT_STORE, f"ExperimentRun/dcid.{job}"
    else:
        store, folder = _BLOB_STORE, f"azureml/{job}/{output}"
    return f"{_SCHEME}datastores/{store}/paths/{folder}/{path}".rstrip("/")


def output_address(job: str, output: str, place: str) -> str:
    """Return the address by which people register an output: it names the job, where it can.

    Azure ML then notes the job with the version, and with it its metrics are known. An output that
    lies elsewhere than by default has no such address that surely means its place.

    Args:
        job: that has left it behind.
        output: its name.
        place: where it lies, in the one form.
    """
    artifacts = f"{output_place(job, ARTIFACTS)}/"
    if place.startswith(artifacts):
        return f"{_SCHEME}jobs/{job}/outputs/{ARTIFACTS}/paths/{place.removeprefix(artifacts)}"
    return f"{_SCHEME}jobs/{job}/outputs/{output}" if place == output_place(job, output) else place


def _is_own(long: re.Match[str], workspace: str) -> bool:
    named = [long[name].lower() for name in ("subscription", "group", "workspace")]
    return workspace.strip("/").lower().split("/")[1::2] == [*named[:2], _PROVIDER, named[2]]
