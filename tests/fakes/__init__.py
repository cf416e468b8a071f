"""Stand-ins behind the ports: adapters that keep everything in memory and break on demand."""
