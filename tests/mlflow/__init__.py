"""The governed client of MLflow, on a real MLflow server and a real Stageward."""
