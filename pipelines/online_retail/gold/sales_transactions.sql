-- One row per accepted line of an invoice.
select
    invoiceno,
    stockcode,
    customerid,
    invoicedate,
    quantity,
    unitprice,
    total_sales,
    business_date
from silver.online_retail
