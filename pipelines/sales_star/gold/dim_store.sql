-- One row per store. Each attribute is that of the last sale, by date and then by transaction, that has it.
select
    store_id,
    max_by(store_name, date, transaction_id) filter (where store_name is not null) as store_name,
    max_by(city, date, transaction_id) filter (where city is not null) as city
from silver.sales
group by store_id
