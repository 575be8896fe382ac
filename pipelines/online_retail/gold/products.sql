-- One row per article: description and price of the last line, by time, invoice, price and description.
with times as (
    select stockcode, max(invoicedate) as invoicedate
    from silver.online_retail
    group by stockcode
),
invoices as (
    select s.stockcode, s.invoicedate, max(s.invoiceno) as invoiceno
    from silver.online_retail s
    join times t on t.stockcode = s.stockcode and t.invoicedate = s.invoicedate
    group by s.stockcode, s.invoicedate
),
prices as (
    select s.stockcode, s.invoicedate, s.invoiceno, max(s.unitprice) as unitprice
    from silver.online_retail s
    join invoices i on i.stockcode = s.stockcode and i.invoicedate = s.invoicedate and i.invoiceno = s.invoiceno
    group by s.stockcode, s.invoicedate, s.invoiceno
)
select
    s.stockcode,
    max(s.description) as description,
    max(s.unitprice) as unitprice
from silver.online_retail s
join prices p
    on p.stockcode = s.stockcode
    and p.invoicedate = s.invoicedate
    and p.invoiceno = s.invoiceno
    and p.unitprice = s.unitprice
group by s.stockcode
