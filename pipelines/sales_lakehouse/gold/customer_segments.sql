-- One row per customer, with the segment that the amount and the number of purchases give.
with customers as (
    select
        customer_id,
        max(customer_name) as customer_name,
        min(date) as first_purchase,
        max(date) as last_purchase,
        count(*) as transactions,
        sum(total_amount) as total_spent
    from silver.sales
    group by customer_id
)
select
    customer_id,
    customer_name,
    first_purchase,
    last_purchase,
    transactions,
    total_spent,
    cast(round(total_spent / transactions, 2) as decimal(15, 2)) as average_order,
    case
        when total_spent >= 10000 and transactions >= 5 then 'vip'
        when transactions >= 5 then 'loyal'
        when total_spent >= 10000 then 'high_value'
        when transactions = 1 then 'new'
        else 'regular'
    end as segment
from customers
