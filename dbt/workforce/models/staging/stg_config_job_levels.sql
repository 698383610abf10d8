select
    level_id,
    level_code,
    level_name,
    min_compensation,
    max_compensation
from {{ ref('config_job_levels') }}
