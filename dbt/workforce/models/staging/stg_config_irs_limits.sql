select
    limit_year,
    elective_deferral_limit,
    catch_up_limit,
    compensation_limit,
    annual_additions_limit
from {{ ref('config_irs_limits') }}
