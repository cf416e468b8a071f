"""The HTTP API: thin. A call becomes a command or a query; an error becomes a problem."""
