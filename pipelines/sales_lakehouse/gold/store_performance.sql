-- One row per store and month. Where several names belong to one store, the greatest is taken.
with sales as (
    select
        store_id,
        cast(extract(year from date) as int) as year,
        cast(extract(month from date) as int) as month,
        store_name,
        city,
        customer_id,
        quantity_sold,
        total_amount
    from silver.sales
)
select
    store_id,
    year,
    month,
    max(store_name) as store_name,
    max(city) as city,
    count(*) as transactions,
    sum(quantity_sold) as units,
    sum(total_amount) as revenue,
    count(distinct customer_id) as customers
from sales
group by store_id, year, month
