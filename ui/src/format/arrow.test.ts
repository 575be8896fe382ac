import * as arrow from '@uwdata/flechette';
import { expect, it } from 'vitest';
import { decode } from './arrow';

function encoded(columns: [string, arrow.Column<unknown>][], metadata?: [string, string][]): ArrayBuffer {
  const table = arrow.tableFromColumns(columns);
  if (metadata) table.schema.metadata = new Map(metadata);
  const bytes = arrow.tableToIPC(table, { format: 'stream' }) as Uint8Array;
  return bytes.slice().buffer as ArrayBuffer;
}

function texts(values: unknown[], type: arrow.DataType): (string | null)[] {
  const page = decode(encoded([['a', arrow.columnFromArray(values, type) as arrow.Column<unknown>]]));
  return values.map((_, row) => page.columns[0]!.text(row));
}

it('keeps integers above 2^53 and decimals exact', () => {
  expect(texts([9007199254740993n, -1n, null], arrow.int64())).toEqual(['9007199254740993', '-1', null]);
  const wide = 12345678901234567890123456789n;
  expect(texts([wide, -5n, null], arrow.decimal(38, 9, 128))).toEqual([
    '12345678901234567890.123456789', '-0.000000005', null,
  ]);
});

it('writes dates and times without a zone of the machine', () => {
  expect(texts([new Date('2026-11-18T00:00:00Z'), new Date('1969-12-31T00:00:00Z')], arrow.dateDay())).toEqual([
    '2026-11-18', '1969-12-31',
  ]);
  const micro = [BigInt(Date.parse('2026-11-18T02:51:08Z')) * 1000n + 1n, -1n];
  const kind = arrow.timestamp(arrow.TimeUnit.MICROSECOND, 'UTC');
  const column = arrow.columnFromArray([0, 0], kind) as arrow.Column<unknown>;
  (column.data[0] as unknown as { values: BigInt64Array }).values.set(micro);
  const page = decode(encoded([['t', column]]));
  expect([0, 1].map((row) => page.columns[0]!.text(row))).toEqual([
    '2026-11-18 02:51:08.000001Z', '1969-12-31 23:59:59.999999Z',
  ]);
});

it('reads text, truth and raw bytes', () => {
  expect(texts(['a', '', null], arrow.utf8())).toEqual(['a', '', null]);
  expect(texts([true, false, null], arrow.bool())).toEqual(['true', 'false', null]);
  const raw = [new TextEncoder().encode('käse'), new Uint8Array([0xff, 0x00])];
  expect(texts(raw, arrow.binary())).toEqual(['käse', 'ff 00']);
});

it('takes offset and total from the schema', () => {
  const column = arrow.columnFromArray(['x'], arrow.utf8()) as arrow.Column<unknown>;
  const page = decode(encoded([['a', column]], [['assay.offset', '400'], ['assay.total', '50614882']]));
  expect([page.offset, page.total, page.rows]).toEqual([400, 50_614_882, 1]);
  expect(decode(encoded([['a', column]])).total).toBeNull();
});
