# Runs a hook with the first Python that is new enough: ./infra/hooks/run.ps1 <hook>
Set-Location (Join-Path $PSScriptRoot '../..')
foreach ($python in 'python', 'python3', 'py') {
  if (-not (Get-Command $python -ErrorAction SilentlyContinue)) { continue }
  & $python -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>$null
  if ($LASTEXITCODE -ne 0) { continue }
  & $python -m infra.hooks @args
  exit $LASTEXITCODE
}
[Console]::Error.WriteLine('stageward: no Python 3.9 or later is on the PATH; install one, then run this again')
exit 1
