-- One row per store. Each attribute is that of the last sale, by date and then by transaction, that has it.
with dates as (
    select
        store_id,
        max(case when store_name is not null then date end) as name_date,
        max(case when city is not null then date end) as city_date
    from silver.sales
    group by store_id
),
last_sales as (
    select
        s.store_id,
        max(d.name_date) as name_date,
        max(case when s.store_name is not null and s.date = d.name_date then s.transaction_id end) as name_sale,
        max(d.city_date) as city_date,
        max(case when s.city is not null and s.date = d.city_date then s.transaction_id end) as city_sale
    from silver.sales s
    join dates d on d.store_id = s.store_id
    group by s.store_id
)
select
    s.store_id,
    max(case when s.date = l.name_date and s.transaction_id = l.name_sale then s.store_name end) as store_name,
    max(case when s.date = l.city_date and s.transaction_id = l.city_sale then s.city end) as city
from silver.sales s
join last_sales l on l.store_id = s.store_id
group by s.store_id
