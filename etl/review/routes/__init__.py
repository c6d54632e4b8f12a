"""The routes, one module a part of the pages. A module has a `router`; its routes stand in access.yaml too."""

from etl.review.routes import audit, board, entrance, entry, office_work, periods, submissions, tables

ROUTERS = (
    entry.router, board.router, submissions.router, tables.router, periods.router, audit.router, office_work.router,
    entrance.router,
)  # fmt: skip
