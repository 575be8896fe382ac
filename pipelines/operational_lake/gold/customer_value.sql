-- One row per customer who ordered, over orders that were neither cancelled nor returned.
with items as (
    select
        order_id,
        sum(quantity * unit_price) as revenue
    from silver.order_items
    group by order_id
)
select
    o.customer_id,
    min(o.ordered_at) as first_order,
    max(o.ordered_at) as last_order,
    count(*) as orders,
    coalesce(sum(i.revenue), 0) as revenue
from silver.orders o
left join items i on i.order_id = o.order_id
where o.status not in ('cancelled', 'returned')
group by o.customer_id
