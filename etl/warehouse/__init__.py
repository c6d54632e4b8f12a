"""The warehouse: the embedded server, the connection, migrations, loads and queries; the only home of SQL in `etl/`."""
