-- One row per customer: the country of the last line, by time, invoice and article.
select
    customerid,
    max_by(country, invoicedate, invoiceno, stockcode) as country
from silver.online_retail
group by customerid
