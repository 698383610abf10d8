{{ config(materialized='ephemeral') }}

-- Ephemeral, since a view over a relative path breaks as soon as someone reads it from another folder.
-- The path is relative to this dbt project. `types` is matched by name: columns may change places in the file, a
-- column that is missing is an error, and none is guessed.
select
    employee_id,
    badge_number,
    birth_date,
    hire_date,
    termination_date,
    department,
    job_code,
    annual_compensation
from read_csv(
    'data/census.csv',
    header = true,
    delim = ',',
    types = {
        'employee_id': 'VARCHAR',
        'badge_number': 'VARCHAR',
        'birth_date': 'DATE',
        'hire_date': 'DATE',
        'termination_date': 'DATE',
        'department': 'VARCHAR',
        'job_code': 'VARCHAR',
        'annual_compensation': 'DECIMAL(12,2)'
    }
)
