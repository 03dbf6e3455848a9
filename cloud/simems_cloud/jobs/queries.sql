-- name: enqueue
select enqueue_job($1, $2::jsonb, $3, $4)

-- name: list
select id, task, status, attempts, arguments::text as arguments, scheduled_at, created_at, started_at, ended_at
from tenant_jobs($1, $2)

-- name: retry
select retry_tenant_job($1)
