"""The command line: arguments in, use cases, tables or JSON out. Decides nothing itself."""
