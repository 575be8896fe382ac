-- One row per accepted sale, with the parts of its date.
select
    transaction_id,
    date,
    store_id,
    store_name,
    city,
    product_id,
    product_name,
    category,
    customer_id,
    customer_name,
    quantity_sold,
    unit_price,
    total_amount,
    payment_method,
    cast(extract(year from date) as int) as year,
    cast(extract(month from date) as int) as month,
    cast(extract(isodow from date) as int) as day_of_week
from silver.sales
