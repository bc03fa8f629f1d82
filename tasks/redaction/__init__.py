"""Redaction: no value of a secret leaves a run, in any usual encoding, through any output.

The `Redactor` of a run (`Job.secrets.redactor`) knows the values. A sink is a place where text leaves predeploy. A gate
is a function that masks the values before a sink gets the text:

| sink | gate |
| --- | --- |
| diagnostics, and all else that a parser reads | `redact(exit)`: each engine calls it before it returns an exit |
| progress, task runs in Prefect, records of shards | `redact(result)`: the executor calls it for each result |
| report files, terminal, GitHub, artifacts and states in Prefect | `redact(report)`: the validation calls it |
| the same once more, rendered: after all cleaning | `redact(text)`, and `redact_document` before it becomes JSON |
| logs of checks, of Postgres and of Dagger | `Redactor.stream` in `tasks/engines/command_log.py`, and `MaskedLog` |
| stdout, stderr and log records of this process, also Prefect's | `mask_process`: called when a value is known |
| errors that Prefect, a commit status or a notification shows | `masked_errors`: a context around the validation |

A value is also found where an escape sequence, a NUL, a direction mark or the end of a line stands inside it: the
redactor searches views of the text without them (`tasks/redaction/views.py`).

`prepare` in `tasks/validation/job.py` takes the secrets of every run, and calls `mask_process` at once. A commit status
and a notification show the message of a Prefect state, which comes from a masked report. `predeploy doctor` writes to
the masked streams. Code with a new sink calls `redact`, or writes to one of the masked streams.
"""
