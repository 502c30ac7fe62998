"""The dashboard: the web application and the command line over `core`."""
