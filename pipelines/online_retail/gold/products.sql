-- One row per article: description and price of the last line, by time, invoice, price and description.
-- Among equal keys the greatest value is taken.
select
    stockcode,
    max_by(description, invoicedate, invoiceno, unitprice) as description,
    max_by(unitprice, invoicedate, invoiceno) as unitprice
from silver.online_retail
group by stockcode
