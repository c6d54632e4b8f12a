"""The synthetic province: register, workbooks as units send them, answer key. Shares no code with validation."""
