// A made-up workspace with one pipeline, for working on the page without an engine. Never bundled.
import * as arrow from '@uwdata/flechette';

const TABLES = {
  bronze: ['sales'],
  silver: ['sales'],
  gold: ['sales_enriched', 'daily_store_sales', 'product_performance', 'customer_segments', 'store_performance'],
  warehouse: ['sales_enriched', 'daily_store_sales', 'product_performance', 'customer_segments', 'store_performance'],
};
const ROWS = { sales: 48_188, sales_enriched: 48_188, daily_store_sales: 1848, product_performance: 412, customer_segments: 9204, store_performance: 132 };
const LAYERS = Object.keys(TABLES);
const DATES = Array.from({ length: 14 }, (_, at) => `2026-11-${String(at + 1).padStart(2, '0')}`);
const COUNTS = { read: 49_812, accepted: 48_188, quarantined: 1612, blank: 12, elsewhere: 0 };
const REASONS = [['missing.customer_id', 702], ['type.unit_price', 418], ['duplicate', 251], ['check.total_amount', 147], ['range.quantity_sold', 62], ['malformed', 32]]
  .map(([reason, records]) => ({ reason, records }));
const DETAIL = {
  silver: [
    ['transaction_id', 'string(100)', true], ['date', 'date', true], ['store_id', 'string(50)'], ['store_name', 'string(100)'], ['city', 'string(100)'],
    ['product_id', 'string(50)'], ['product_name', 'string(200)'], ['category', 'string(100)'], ['customer_id', 'string(50)'], ['customer_name', 'string(200)'],
    ['quantity_sold', 'int32'], ['unit_price', 'decimal(10,2)'], ['total_amount', 'decimal(15,2)'], ['payment_method', 'string(50)'],
    ['_source_file', 'string'], ['_source_line', 'int64'], ['_run_id', 'string'], ['_processed_at', 'timestamp(us, UTC)'],
  ],
};

const iso = (at) => new Date(at).toISOString();
const pick = (list, at) => list[at % list.length];

/** A world whose runs move on a timer; `tell` hears the events. */
export function makeWorld({ pace = 1, empty = false, rows = 0 } = {}) {
  const begun = Date.now();
  const runs = [];
  const logs = new Map();
  const tickets = new Map();
  let listeners = [];
  let version = 12;
  const tell = (events) => listeners.forEach((listener) => listener(events));

  function plan(id, status, started, more = {}) {
    const steps = LAYERS.slice(more.from ?? 0).flatMap((stage, at) => TABLES[stage].map((table) => ({
      id: `${stage}.${table}`, stage, table, attempt: 1, status: 'queued', started_at: null, ended_at: null, rows_in: null, rows_out: null,
      quarantined: null, version_before: null, version_after: null, progress: null, problem: null, note: null,
      after: at === 0 ? [] : stage === 'silver' ? ['bronze.sales'] : stage === 'gold' ? ['silver.sales'] : [`gold.${table}`],
    })));
    const run = {
      run: { id, pipeline: 'sales_lakehouse', environment: 'local', status, stages: LAYERS, dates: '14 dates, 2026-11-01 to 2026-11-14', attempt: 1,
        queued_at: iso(started), started_at: iso(started), ended_at: null, steps_done: 0, steps_total: steps.length, progress: { thousandths: 0 }, note: null },
      reason: more.reason ?? '', asked_by: 'operator', definition: 'a41f0c93be12', runner: 'local', counts: { read: 0, accepted: 0, quarantined: 0, blank: 0, elsewhere: 0 },
      balanced: true, attempts: [{ number: 1, status, started_at: iso(started), ended_at: null, note: null }], steps, reasons: [], reconciliation: [],
    };
    runs.unshift(run);
    logs.set(id, []);
    return run;
  }

  function write(run, at, level, step, text) {
    const line = { at: iso(at), level, attempt: 1, step, text };
    logs.get(run.run.id).push(line);
    return { event: 'log', run: run.run.id, lines: [line] };
  }

  function startStep(run, step, at) {
    Object.assign(step, { status: 'running', started_at: iso(at), progress: { thousandths: 0 }, rows_in: step.stage === 'bronze' ? 14 : COUNTS.accepted });
    return [write(run, at, 'info', step.id, `begin, ${step.stage === 'bronze' ? '14 files' : `${COUNTS.accepted} rows of 14 dates`}`), write(run, at, 'debug', step.id, 'scan planned, 14 partitions, 4 threads')];
  }

  function endStep(run, step, at) {
    const bad = step.stage === 'silver';
    Object.assign(step, { status: 'succeeded', ended_at: iso(at), progress: null, rows_out: ROWS[step.table], version_before: version, version_after: version + 1, quarantined: bad ? COUNTS.quarantined : 0 });
    if (step.stage === 'bronze') Object.assign(run, { counts: { ...COUNTS } });
    if (bad) run.reasons = REASONS;
    const events = bad ? REASONS.slice(0, 3).map((row) => write(run, at, 'warn', step.id, `quarantined ${row.records}: ${row.reason}`)) : [];
    events.push(write(run, at, 'info', step.id, `published version ${version + 1}, ${ROWS[step.table]} rows, 14 partitions replaced`));
    return events;
  }

  function finish(run, status, at, note = null) {
    for (const step of run.steps) if (['queued', 'running'].includes(step.status)) Object.assign(step, { status: status === 'cancelled' ? 'cancelled' : 'skipped', progress: null, ended_at: step.started_at && iso(at) });
    Object.assign(run.run, { status, ended_at: iso(at), progress: null, note });
    Object.assign(run.attempts[0], { status, ended_at: iso(at), note });
    if (status === 'succeeded') {
      run.reconciliation = TABLES.warehouse.flatMap((table) => [
        { table, measure: 'rows', lake: String(ROWS[table]), warehouse: String(ROWS[table]), equal: true },
        { table, measure: table === 'sales_enriched' ? 'total_amount' : 'revenue', lake: '2741905.37', warehouse: '2741905.37', equal: true },
      ]);
    }
    write(run, at, status === 'failed' ? 'error' : 'info', null, note ?? status);
  }

  function past(id, ago, status, seconds) {
    const start = begun - ago;
    const run = plan(id, 'running', start, { reason: status === 'failed' ? 'nightly' : '' });
    let at = start;
    for (const step of run.steps) {
      startStep(run, step, at);
      at += (seconds * 1000) / run.steps.length;
      if (status === 'failed' && step.id === 'warehouse.daily_store_sales') {
        const problem = { kind: 'failed', message: 'Loading daily_store_sales failed; nothing was written.', causes: ['PostgreSQL refused line 114: “12,90” is no decimal in column revenue.'], advice: 'Open the log at the error, mend the definition, and run the date again.' };
        Object.assign(step, { status: 'failed', ended_at: iso(at), progress: null, problem });
        write(run, at, 'error', step.id, 'PostgreSQL refused line 114 of the staging copy for daily_store_sales: “12,90” is no decimal in column revenue; the transaction was rolled back and nothing was written');
        break;
      }
      endStep(run, step, at);
    }
    run.run.steps_done = run.steps.filter((step) => step.ended_at).length;
    finish(run, status, at, status === 'failed' ? 'Loading daily_store_sales failed; nothing was written. PostgreSQL refused line 114.' : null);
  }

  if (!empty) {
    for (let at = 22; at > 1; at -= 1) past(`01JD0000000000000000000${String(at).padStart(3, '0')}`, at * 4 * 3600e3, at === 9 ? 'cancelled' : 'succeeded', 18 + ((at * 7) % 11));
    past('01JD00000000000000000F7A21', 15 * 60e3, 'failed', 24);
  }

  function live(id, ask) {
    const run = plan(id, 'running', Date.now(), { reason: ask.reason });
    let at = 0;
    let tick = 0;
    const timer = setInterval(() => {
      const now = Date.now();
      const step = run.steps[at];
      const events = [];
      if (run.run.status !== 'running') return clearInterval(timer);
      if (!step) {
        version += 1;
        finish(run, 'succeeded', now);
        clearInterval(timer);
      } else if (step.status === 'queued') {
        events.push(...startStep(run, step, now));
      } else if ((tick += 1) % 4 === 0) {
        events.push(...endStep(run, step, now), { event: 'table', table: `sales_lakehouse.${step.id}` });
        at += 1;
      } else {
        step.progress = { thousandths: (tick % 4) * 250 };
        events.push(write(run, now, 'debug', step.id, `memory ${180 + tick} MB of 512 MB`));
      }
      run.run.steps_done = at;
      if (run.run.status === 'running') run.run.progress = { thousandths: Math.floor(((at + (tick % 4) / 4) / run.steps.length) * 1000) };
      tell([{ event: 'run', run: { ...run.run } }, ...(step ? [{ event: 'step', run: id, step: { ...step } }] : []), ...events]);
    }, 300 / pace);
    return run;
  }

  const find = (id) => runs.find((run) => run.run.id === id);
  const refuse = (message) => { throw { kind: 'misuse', message, causes: [], advice: null }; };

  const api = {
    overview() {
      const recent = runs.slice(0, 24).map((run) => ({ ...run.run }));
      const lastOf = (id) => runs.flatMap((run) => run.steps).find((step) => step.id === id && step.status !== 'queued');
      const card = {
        name: 'sales_lakehouse', description: 'Sales of all stores', schedule: 'Every 4 hours', last_run: recent[0] ?? null, recent, quarantined: recent.length ? 1612 : 0, dates: DATES, new_dates: ['2026-11-14'],
        layers: LAYERS.map((layer) => ({ layer, tables: TABLES[layer].map((name) => {
          const step = lastOf(`${layer}.${name}`);
          return { id: `sales_lakehouse.${layer}.${name}`, name, status: step?.status ?? null, rows: step ? (rows || ROWS[name]) : null, changed: step?.ended_at ?? step?.started_at ?? null, version: step ? version : null };
        }) })),
      };
      const running = runs.filter((run) => run.run.status === 'running').length;
      return { workspace: 'retail-lake', root: '/home/operator/retail-lake', environment: 'local', guard: 'open', pipelines: empty ? [] : [card], broken: [], running, queued: 0, now: iso(Date.now()) };
    },
    runs: (pipeline, limit) => runs.filter((run) => !pipeline || run.run.pipeline === pipeline).slice(0, limit).map((run) => ({ ...run.run })),
    run: (id) => structuredClone(find(id) ?? refuse(`There is no run ${id}.`)),
    log(id, from, limit, level) {
      const order = ['debug', 'info', 'warn', 'error'];
      const all = logs.get(id) ?? refuse(`There is no run ${id}.`);
      const lines = all.filter((line) => order.indexOf(line.level) >= order.indexOf(level ?? 'debug'));
      return { lines: lines.slice(from, from + limit), from, matching: lines.length, hidden: all.length - lines.length, dropped: 0, torn: 0 };
    },
    table(id) {
      const [pipeline, layer, name] = id.split('.');
      const columns = (layer === 'silver' ? DETAIL.silver : DETAIL.silver.slice(0, 14)).map(([column, kind, key = false]) => ({
        name: column, kind, key, required: key || ['store_id', 'product_id', 'customer_id', 'quantity_sold', 'unit_price'].includes(column), audit: column.startsWith('_'),
        lineage: layer === 'gold' ? [`silver.sales.${column}`] : [],
      }));
      const total = rows || ROWS[name];
      const versions = Array.from({ length: version + 1 }, (_, at) => version - at).map((at) => ({ version: at, at: iso(begun - (version - at) * 4 * 3600e3), run: runs[version - at]?.run.id ?? null, what: at === 0 ? 'created' : 'replaced 14 dates', files_added: 14, files_removed: at === 0 ? 0 : 14 }));
      return {
        id, pipeline, layer, name, location: `/home/operator/retail-lake/.assay/lake/${pipeline}/${layer}/${name}`, columns, version, rows: total, bytes: total * 41, files: 14, partition: 'date',
        versions, older_versions: 0, partitions: DATES.map((date, at) => ({ date, rows: Math.floor(total / 14) + (at < total % 14 ? 1 : 0), bytes: Math.floor(total * 2.9), files: 1 })),
        quarantine: layer === 'silver' ? { records: 1612, reasons: REASONS, dates: DATES.map((date, at) => ({ date, rows: at < 2 ? 116 : 115, bytes: 9000, files: 1 })) } : null,
      };
    },
    page(ask) {
      if (ask.filter && !/^\w+ *(=|<|>|<=|>=|<>|is|in|like|between)/.test(ask.filter)) refuse('The condition cannot be read: after a column comes a comparison.');
      const all = rows || ROWS[ask.table.split('.')[2]] || 0;
      const total = ask.filter ? Math.floor(all / 7) : all;
      return pageOf(ask, total, ask.table.split('.')[1] === 'silver');
    },
    quarantine(ask) {
      const total = ask.reason ? (REASONS.find((row) => row.reason === ask.reason)?.records ?? 0) : ask.date ? 115 : 1612;
      return quarantineOf(ask, total);
    },
    startRun(ask) {
      if (!tickets.has(ask.request_id)) tickets.set(ask.request_id, live(`01JD${String(Date.now()).padStart(22, '0')}`, ask).run.id);
      return { run: tickets.get(ask.request_id) };
    },
    cancelRun(_, id) {
      const run = find(id) ?? refuse(`There is no run ${id}.`);
      finish(run, 'cancelled', Date.now(), 'Cancelled by the operator.');
      tell([{ event: 'run', run: { ...run.run } }]);
    },
    watch(listener) { listeners = [listener]; },
  };
  return api;
}

function encode(columns, offset, total) {
  const table = arrow.tableFromColumns(columns);
  table.schema.metadata = new Map([['assay.offset', String(offset)], ['assay.total', String(total)]]);
  return arrow.tableToIPC(table, { format: 'stream' });
}

const column = (values, type) => arrow.columnFromArray(values, type);
const numbers = (ask, total) => Array.from({ length: Math.max(0, Math.min(ask.limit, total - ask.offset)) }, (_, at) => ask.offset + at);

function pageOf(ask, total, audit) {
  const at = numbers(ask, total);
  const text = (make) => column(at.map(make), arrow.utf8());
  const price = (row) => BigInt(99 + ((row * 37) % 19_900));
  const goods = ['Beeswax candle', 'Kettle 1.7 l', 'Cast iron pan 26 cm', 'Olive oil 750 ml', 'Floor lamp, oak', 'Sea salt flakes'];
  const columns = [
    ['transaction_id', text((row) => `TX-202611${String((row % 14) + 1).padStart(2, '0')}-${String(row).padStart(9, '0')}`)],
    ['date', column(at.map((row) => new Date(`2026-11-${String((row % 14) + 1).padStart(2, '0')}T00:00:00Z`)), arrow.dateDay())],
    ['store_id', text((row) => `S-${String((row % 132) + 1).padStart(4, '0')}`)], ['store_name', text((row) => `Store ${(row % 132) + 1}`)],
    ['city', text((row) => (row % 11 === 3 ? null : pick(['Lyon', 'Berlin', 'Porto', 'Kraków'], row)))],
    ['product_id', text((row) => `P-${20_000 + ((row * 7) % 412)}`)], ['product_name', text((row) => pick(goods, row))], ['category', text((row) => pick(['Home', 'Kitchen', 'Food'], row))],
    ['customer_id', text((row) => `C-${100_000 + ((row * 13) % 9204)}`)], ['customer_name', text((row) => (row % 17 === 0 ? null : pick(['Amélie Durand', 'Jan Nowak', 'Ana Sousa'], row)))],
    ['quantity_sold', column(at.map((row) => (row % 6) + 1), arrow.int32())], ['unit_price', column(at.map(price), arrow.decimal(10, 2, 128))],
    ['total_amount', column(at.map((row) => price(row) * BigInt((row % 6) + 1)), arrow.decimal(15, 2, 128))], ['payment_method', text((row) => pick(['card', 'cash', 'gift_card'], row))],
  ];
  if (audit) {
    columns.push(['_source_file', text((row) => `bronze/sales/date=2026-11-${String((row % 14) + 1).padStart(2, '0')}/part-0.jsonl`)], ['_source_line', column(at.map((row) => BigInt(row + 1)), arrow.int64())], ['_run_id', text(() => '01JD0000000000000000000002')]);
  }
  return encode(columns, ask.offset, total);
}

function quarantineOf(ask, total) {
  const at = numbers(ask, total);
  const text = (make) => column(at.map(make), arrow.utf8());
  const reason = (row) => ask.reason ?? pick(REASONS, row).reason;
  return encode([
    ['date', text((row) => ask.date ?? pick(DATES, row))], ['reason', text(reason)], ['column', text((row) => reason(row).split('.')[1] ?? null)],
    ['message', text((row) => `the value does not fit: ${reason(row)}`)], ['secondary', text((row) => (row % 5 === 0 ? 'type.total_amount' : null))],
    ['source_file', text((row) => `bronze/sales/date=${pick(DATES, row)}/part-0.jsonl`)], ['source_line', column(at.map((row) => BigInt(row * 30 + 4)), arrow.int64())],
    ['byte_offset', column(at.map((row) => BigInt(row * 9000 + 118)), arrow.int64())],
    ['raw', column(at.map((row) => new TextEncoder().encode(`{"transaction_id":"TX-${row}","date":"06/11/2026","store_id":"S-0417","unit_price":"12,90","quantity_sold":2}`)), arrow.binary())],
    ['run_id', text(() => '01JD0000000000000000000002')],
  ], ask.offset, total);
}
