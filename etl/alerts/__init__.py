"""Alerts: who is reminded of what and when (pure), what a letter says, and the channels that carry it.

It must not read the warehouse or the clock: states, contacts and instants are arguments. The outbox is
`etl.warehouse.outbox`; `etl.usecases.alerts` brings the two together.
"""
