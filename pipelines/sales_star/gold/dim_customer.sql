-- One row per customer. Each attribute is that of the last sale, by date and then by transaction, that has it.
select
    customer_id,
    max_by(customer_name, date, transaction_id) filter (where customer_name is not null) as customer_name
from silver.sales
group by customer_id
