select
    band_id,
    band_label as tenure_band,
    min_value,
    max_value
from {{ ref('config_tenure_bands') }}
