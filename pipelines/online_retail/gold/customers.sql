-- One row per customer: the country of the last line, by time, invoice and article.
with times as (
    select customerid, max(invoicedate) as invoicedate
    from silver.online_retail
    group by customerid
),
invoices as (
    select s.customerid, s.invoicedate, max(s.invoiceno) as invoiceno
    from silver.online_retail s
    join times t on t.customerid = s.customerid and t.invoicedate = s.invoicedate
    group by s.customerid, s.invoicedate
),
articles as (
    select s.customerid, s.invoicedate, s.invoiceno, max(s.stockcode) as stockcode
    from silver.online_retail s
    join invoices i on i.customerid = s.customerid and i.invoicedate = s.invoicedate and i.invoiceno = s.invoiceno
    group by s.customerid, s.invoicedate, s.invoiceno
)
select
    s.customerid,
    max(s.country) as country
from silver.online_retail s
join articles a
    on a.customerid = s.customerid
    and a.invoicedate = s.invoicedate
    and a.invoiceno = s.invoiceno
    and a.stockcode = s.stockcode
group by s.customerid
