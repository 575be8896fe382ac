-- One row per warehouse and article: what is there, and when that last changed.
select
    warehouse,
    sku,
    sum(delta) as stock,
    max(occurred_at) as last_event
from silver.inventory_events
group by warehouse, sku
