select
    band_id,
    band_label as age_band,
    min_value,
    max_value
from {{ ref('config_age_bands') }}
