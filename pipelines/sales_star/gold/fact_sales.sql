-- One row per accepted sale: its keys and its measures.
select
    transaction_id,
    date,
    store_id,
    product_id,
    customer_id,
    quantity_sold,
    unit_price,
    total_amount,
    payment_method
from silver.sales
