-- One row per product, ranked by revenue within its category.
with products as (
    select
        product_id,
        max(product_name) as product_name,
        max(category) as category,
        count(*) as transactions,
        sum(quantity_sold) as units,
        sum(total_amount) as revenue
    from silver.sales
    group by product_id
)
select
    product_id,
    product_name,
    category,
    transactions,
    units,
    revenue,
    rank() over (partition by category order by revenue desc) as category_rank
from products
