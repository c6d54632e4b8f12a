"""A small client of Airflow's REST API, on the standard library. It must not know what the DAGs do."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final

POLL_SECONDS: Final = 0.4
REQUEST_SECONDS: Final = 30.0
FINISHED: Final = ("success", "failed")

RunProgress = Callable[[int, int, str], None]
"""Called with finished tasks, known tasks and the state of the run."""


class AirflowError(RuntimeError):
    """Airflow refused a request or a run did not end well; the text says which."""


class AirflowClient:
    """Speaks to one API server as one log-in. `url` has no slash at its end."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self.url = url
        self._name, self._password = name, password
        self._token: str | None = None
        # No proxy: the server is on loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def token(self) -> str:
        """A bearer token, fetched once."""
        if self._token is None:
            answer = self._send(
                "POST", "/auth/token", {"username": self._name, "password": self._password}, log_in=False
            )
            self._token = str(answer["access_token"])
        return self._token

    def get(self, path: str) -> Any:
        """JSON of a path such as `/api/v2/dags`."""
        return self._send("GET", path)

    def read_page(self, path: str, *, log_in: bool = True) -> tuple[int, str]:
        """Status and text of a page; errors are answers here."""
        request = urllib.request.Request(self.url + path)  # noqa: S310 - our own loopback URL
        if log_in:
            request.add_header("Authorization", f"Bearer {self.token()}")
        try:
            with self._opener.open(request, timeout=REQUEST_SECONDS) as answer:
                return answer.status, answer.read().decode("utf-8")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8", "replace")

    def list_dags(self) -> set[str]:
        """Codes of the DAGs that Airflow has read."""
        return {dag["dag_id"] for dag in self.get("/api/v2/dags?limit=100")["dags"]}

    def list_import_errors(self) -> list[str]:
        """DAG files that Airflow could not read: file and last line of the error."""
        errors = self.get("/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def unpause(self, dag: str) -> None:
        """Let a DAG run."""
        self._send("PATCH", f"/api/v2/dags/{dag}?update_mask=is_paused", {"is_paused": False})

    def trigger(self, dag: str, *, conf: Mapping[str, Any] | None = None, partition_key: str | None = None) -> str:
        """Start a run; its id."""
        body: dict[str, Any] = {"logical_date": None, "conf": dict(conf or {})}
        if partition_key is not None:
            body["partition_key"] = partition_key
        return str(self._send("POST", f"/api/v2/dags/{dag}/dagRuns", body)["dag_run_id"])

    def list_runs(self, dag: str) -> list[dict[str, Any]]:
        """The runs of a DAG, newest first."""
        return list(self.get(f"/api/v2/dags/{dag}/dagRuns?limit=100&order_by=-run_after")["dag_runs"])

    def list_tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """The task instances of a run."""
        run = urllib.parse.quote(run, safe="")
        return list(self.get(f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances?limit=100")["task_instances"])

    def read_result(self, dag: str, run: str, task: str) -> Any:
        """What a task returned."""
        run = urllib.parse.quote(run, safe="")
        path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value?deserialize=true"
        return self.get(path)["value"]

    def await_run(self, dag: str, run: str, *, seconds: float, on_progress: RunProgress | None = None) -> None:
        """Wait for a run to succeed. Raises AirflowError when it fails, naming the tasks, or takes longer."""
        deadline = time.monotonic() + seconds
        path = f"/api/v2/dags/{dag}/dagRuns/{urllib.parse.quote(run, safe='')}"
        while True:
            state = str(self.get(path)["state"])
            tasks = self.list_tasks(dag, run)
            if on_progress:
                done = sum(task["state"] in ("success", "failed", "skipped", "upstream_failed") for task in tasks)
                on_progress(done, len(tasks), state)
            if state == "success":
                return
            if state == "failed":
                failed = sorted({task["task_id"] for task in tasks if task["state"] == "failed"})
                raise AirflowError(f"run {run} of {dag} failed in {', '.join(failed) or 'no task'}: see the task's log")
            if time.monotonic() > deadline:
                raise AirflowError(f"run {run} of {dag} is still {state} after {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def await_partition(self, dag: str, key: str, *, known: set[str], seconds: float) -> str:
        """Wait for a run of that partition key which is not among `known`; its id."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for run in self.list_runs(dag):
                if run["partition_key"] == key and run["dag_run_id"] not in known:
                    return str(run["dag_run_id"])
            time.sleep(POLL_SECONDS)
        raise AirflowError(f"no run of {dag} for {key} appeared within {seconds:.0f} s")

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, log_in: bool = True) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)  # noqa: S310 - loopback
        request.add_header("Content-Type", "application/json")
        if log_in:
            request.add_header("Authorization", f"Bearer {self.token()}")
        try:
            with self._opener.open(request, timeout=REQUEST_SECONDS) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")[:400]
            raise AirflowError(f"{method} {path.partition('?')[0]} was answered {error.code}: {said}") from None
        except urllib.error.URLError as error:
            raise AirflowError(f"{self.url} does not answer: {error.reason}") from None
