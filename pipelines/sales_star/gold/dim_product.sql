-- One row per product. Each attribute is that of the last sale, by date and then by transaction, that has it.
select
    product_id,
    max_by(product_name, date, transaction_id) filter (where product_name is not null) as product_name,
    max_by(category, date, transaction_id) filter (where category is not null) as category
from silver.sales
group by product_id
