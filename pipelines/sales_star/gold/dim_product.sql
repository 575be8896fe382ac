-- One row per product. Each attribute is that of the last sale, by date and then by transaction, that has it.
with dates as (
    select
        product_id,
        max(case when product_name is not null then date end) as name_date,
        max(case when category is not null then date end) as category_date
    from silver.sales
    group by product_id
),
last_sales as (
    select
        s.product_id,
        max(d.name_date) as name_date,
        max(case when s.product_name is not null and s.date = d.name_date then s.transaction_id end) as name_sale,
        max(d.category_date) as category_date,
        max(case when s.category is not null and s.date = d.category_date then s.transaction_id end) as category_sale
    from silver.sales s
    join dates d on d.product_id = s.product_id
    group by s.product_id
)
select
    s.product_id,
    max(case when s.date = l.name_date and s.transaction_id = l.name_sale then s.product_name end) as product_name,
    max(case when s.date = l.category_date and s.transaction_id = l.category_sale then s.category end) as category
from silver.sales s
join last_sales l on l.product_id = s.product_id
group by s.product_id
