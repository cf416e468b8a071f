"""Tests of what `azd up` runs and deploys."""
