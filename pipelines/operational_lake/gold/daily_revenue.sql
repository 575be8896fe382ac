-- One row per date (UTC) and country, over orders that were neither cancelled nor returned.
with items as (
    select
        order_id,
        sum(quantity) as units,
        sum(quantity * unit_price) as revenue
    from silver.order_items
    group by order_id
)
select
    o.order_date,
    c.country,
    count(*) as orders,
    coalesce(sum(i.units), 0) as units,
    coalesce(sum(i.revenue), 0) as revenue
from silver.orders o
left join silver.customers c on c.customer_id = o.customer_id
left join items i on i.order_id = o.order_id
where o.status not in ('cancelled', 'returned')
group by o.order_date, c.country
