-- One row per customer. Each attribute is that of the last sale, by date and then by transaction, that has it.
with dates as (
    select
        customer_id,
        max(case when customer_name is not null then date end) as name_date
    from silver.sales
    group by customer_id
),
last_sales as (
    select
        s.customer_id,
        max(d.name_date) as name_date,
        max(case when s.customer_name is not null and s.date = d.name_date then s.transaction_id end) as name_sale
    from silver.sales s
    join dates d on d.customer_id = s.customer_id
    group by s.customer_id
)
select
    s.customer_id,
    max(case when s.date = l.name_date and s.transaction_id = l.name_sale then s.customer_name end) as customer_name
from silver.sales s
join last_sales l on l.customer_id = s.customer_id
group by s.customer_id
