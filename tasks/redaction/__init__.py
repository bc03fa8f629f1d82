"""Redaction: no value of a secret leaves a run, in any usual encoding, through any sink.

The `Redactor` of a run's secrets (`Job.secrets.redactor`) knows the values. Each text passes it at one of these gates:

| sink | gate |
| --- | --- |
| diagnostics, and all else that is read from a step's output | `redact(exit)`, the last act of each engine |
| progress, task runs in Prefect, records of shards | `redact(result)` in the executor, before a result is known |
| report files, terminal, GitHub, artifacts and states in Prefect | `redact(report)`, before the report is known |
| logs of checks, of Postgres and of Dagger | `Redactor.stream` in `tasks/engines/command_log.py` and `MaskedLog` |
| stdout and stderr of this process, log records (Prefect's too) | `mask_process`, as soon as a value is known |
| errors that Prefect, a commit status or a notification shows | `masked_errors`, around the validation |

`prepare` in `tasks/validation/job.py` takes the secrets of every run, and calls `mask_process` at once. A commit status
and a notification get the message of a Prefect state. `predeploy doctor` writes to the masked streams. A new sink takes
its text behind one of these gates, or calls `redact` itself.
"""
