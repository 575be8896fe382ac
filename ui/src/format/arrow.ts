// A page of rows: Arrow stream bytes in, exact text out.
import { Type, tableFromIPC, type Column } from '@uwdata/flechette';
import { decimal } from './numbers';

export interface PageColumn {
  name: string;
  /** Numbers stand right. */
  right: boolean;
  /** Exact text of a cell; `null` is a null. */
  text(row: number): string | null;
}

export interface Page {
  /** Row number of the first row, from 0. */
  offset: number;
  /** Rows that match; `null` when the engine did not say. */
  total: number | null;
  rows: number;
  columns: PageColumn[];
}

/** Decodes one page; throws when the bytes are no Arrow stream. */
export function decode(body: ArrayBuffer): Page {
  const options = { useBigInt: true, useDecimalInt: true, useBigIntTimestamp: true };
  const table = tableFromIPC(new Uint8Array(body), options);
  const told = table.schema.metadata ?? new Map<string, string>();
  const total = told.get('assay.total');
  const columns = table.schema.fields.map((field, at): PageColumn => {
    const column = table.getChildAt(at) as Column<unknown>;
    const write = writer(field.type as unknown as Kind);
    return {
      name: field.name,
      right: isNumber(field.type.typeId),
      text: (row) => {
        const value = column.at(row);
        return value === null || value === undefined ? null : write(value);
      },
    };
  });
  return {
    offset: Number(told.get('assay.offset') ?? 0),
    total: total === undefined ? null : Number(total),
    rows: table.numRows,
    columns,
  };
}

interface Kind {
  typeId: number;
  scale?: number;
  unit?: number;
  timezone?: string | null;
  dictionary?: Kind;
  children?: { name: string; type: Kind }[];
}

const isNumber = (id: number): boolean => id === Type.Int || id === Type.Float || id === Type.Decimal;

function writer(kind: Kind): (value: unknown) => string {
  switch (kind.typeId) {
    case Type.Decimal:
      return (value) => decimal(value as bigint, kind.scale ?? 0);
    case Type.Date:
      return (value) => new Date(Number(value)).toISOString().slice(0, 10);
    case Type.Timestamp:
      return (value) => timestamp(BigInt(value as bigint), kind.unit ?? 0, kind.timezone);
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
    case Type.FixedSizeBinary:
      return (value) => readable(value as Uint8Array);
    case Type.Dictionary:
      return writer(kind.dictionary ?? { typeId: Type.Utf8 });
    case Type.List:
    case Type.LargeList:
    case Type.ListView:
    case Type.LargeListView:
    case Type.FixedSizeList:
    case Type.Struct:
    case Type.Map:
      return nested;
    default:
      return String;
  }
}

/** `2026-11-18 02:51:08.000001Z`, with as many digits as the unit has; no `Z` without a zone. */
function timestamp(value: bigint, unit: number, zone: string | null | undefined): string {
  const digits = unit * 3;
  const scale = 10n ** BigInt(digits);
  const whole = value / scale - (value % scale < 0n ? 1n : 0n);
  const text = new Date(Number(whole) * 1000).toISOString().slice(0, 19).replace('T', ' ');
  const rest = digits === 0 ? '' : `.${(value - whole * scale).toString().padStart(digits, '0')}`;
  return text + rest + (zone ? 'Z' : '');
}

/** Text when the bytes are UTF-8, else hexadecimal pairs. */
function readable(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  }
}

function nested(value: unknown): string {
  const plain = ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<unknown>) : value;
  return JSON.stringify(plain, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
}
