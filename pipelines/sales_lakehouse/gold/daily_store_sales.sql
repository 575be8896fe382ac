-- One row per store and date. Where several names belong to one store, the greatest is taken.
select
    date,
    store_id,
    max(store_name) as store_name,
    max(city) as city,
    count(*) as transactions,
    sum(quantity_sold) as units,
    sum(total_amount) as revenue,
    cast(round(sum(total_amount) / count(*), 2) as decimal(15, 2)) as average_basket
from silver.sales
group by date, store_id
