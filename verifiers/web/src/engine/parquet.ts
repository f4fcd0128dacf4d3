/**
 * Catalogue files (manifest.md 9): columns, keys, bounds; rows come a row group at a time. hyparquet and fzstd decode.
 */

import { decompress } from "fzstd";
import { type FileMetaData, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { deserializeTCompactProtocol } from "hyparquet/src/thrift.js";
import { BadParquet } from "./badparquet";
import { fromBase64, fromUtf8 } from "./bytes";
import { Pages } from "./pages";
import { Compact } from "./thrift";
import type { Bytes } from "./types";

export type Row = Record<string, unknown>;
/** Parquet type, length, null allowed, text. */
export type Column = readonly [name: string, type: string, length: number | null, nullable: boolean, text: boolean];

/** Field of the footer that lists them. */
const ROW_GROUPS = 4;
const MOST_GROUPS = 65_536;
const MOST_GROUP_ROWS = 65_536;
const MOST_GROUP_BYTES = 1 << 30;
const MOST_FOOTER = 64 * 1024 * 1024;

export interface Catalogue {
  format: string;
  header: Uint8Array;
  headerSalt: Uint8Array;
  rows: number;
  groups(): AsyncIterable<Row[]>;
}

const compressors = { ZSTD: (input: Uint8Array, size: number): Uint8Array => decompress(input, new Uint8Array(size)) };

/** Open a catalogue whose columns are those that `columns` gives for its format. Raises `BadParquet`. */
export async function openCatalogue(
  file: Bytes,
  expectedRows: bigint,
  columns: (format: string) => readonly Column[] | null,
): Promise<Catalogue> {
  const buffer = {
    byteLength: file.size,
    async slice(start: number, end?: number): Promise<ArrayBuffer> {
      const from = start < 0 ? file.size + start : start;
      const bytes = await file.read(from, (end ?? file.size) - from);
      return bytes.slice().buffer as ArrayBuffer;
    },
  };
  const tail = await file.read(Math.max(0, file.size - 8), 8);
  const head = await file.read(0, 4);
  if (tail.length < 8 || [head, tail.subarray(4)].some((mark) => String.fromCharCode(...mark) !== "PAR1"))
    throw new BadParquet("E106", "no Parquet file");
  const footer = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
  if (footer > MOST_FOOTER || BigInt(footer) > (1n << 20n) + 256n * expectedRows)
    throw new BadParquet("E102", `a footer of ${footer} bytes`);
  if (footer + 12 > file.size) throw new BadParquet("E106", "its footer is cut off");
  const footerBytes = await file.read(file.size - 8 - footer, footer);
  new Compact(footerBytes, 0, new Map([[ROW_GROUPS, MOST_GROUPS]])).read();
  const metadata = await guard(() => parquetMetadataAsync(buffer, { initialFetchSize: footer + 8 }));
  bounds(metadata, file.size);
  const keys = await guard(async () => keyValues(footerBytes));
  const text = (name: string): string => fromUtf8(keys.get(name) ?? new Uint8Array(0)) ?? "";
  const format = text("evidencekit.format");
  const wanted = columns(format);
  const header = keys.get("evidencekit.header");
  const salt = fromBase64(text("evidencekit.header_salt"), 16);
  if (!wanted || header === undefined || !salt) throw new BadParquet("E106", `format ${format || "none"}`);
  judgeSchema(metadata, wanted);
  return {
    format,
    header,
    headerSalt: salt,
    rows: Number(metadata.num_rows),
    async *groups() {
      let start = 0;
      const pages = new Pages(file, file.size - 8 - footer);
      for (const group of metadata.row_groups) {
        await pages.judge(group);
        const end = start + Number(group.num_rows);
        const from = start;
        const rows: Row[] = Array.from({ length: end - start }, () => ({}));
        // one column after the other: a column that fails while another is awaited would go unheard
        for (const [name] of wanted) {
          const read = {
            file: buffer,
            metadata,
            columns: [name],
            rowStart: from,
            rowEnd: end,
            utf8: false,
            compressors,
          };
          const values = await guard(() => parquetReadObjects(read));
          if (values.length !== rows.length) throw new BadParquet("E106", "a row group has other rows than it says");
          rows.forEach((row, i) => (row[name] = values[i]![name]));
        }
        yield rows;
        start = end;
      }
    },
  };
}

async function guard<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new BadParquet("E106", error instanceof Error ? error.message : String(error));
  }
}

/** The footer's texts as their bytes, which a header commits to: the library makes texts of them, whatever they are. */
function keyValues(footer: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(footer.buffer, footer.byteOffset, footer.byteLength);
  const list = (deserializeTCompactProtocol({ view, offset: 0 })["field_5"] ?? []) as Record<string, Uint8Array>[];
  const empty = new Uint8Array(0);
  return new Map(list.map(({ field_1: key, field_2: value }) => [fromUtf8(key ?? empty) ?? "", value ?? empty]));
}

function bounds(metadata: FileMetaData, size: number): void {
  let rows = 0n;
  for (const group of metadata.row_groups) {
    rows += BigInt(group.num_rows);
    let bytes = 0n;
    for (const { meta_data: column } of group.columns) {
      if (!column) throw new BadParquet("E106", "a column that is not described");
      if (BigInt(column.num_values) !== BigInt(group.num_rows))
        throw new BadParquet("E106", "a column with other rows than its group");
      if (column.encodings.includes("DELTA_BYTE_ARRAY")) throw new BadParquet("E106", "DELTA_BYTE_ARRAY");
      if (column.codec !== "ZSTD" && column.codec !== "UNCOMPRESSED" && column.codec !== "SNAPPY") {
        throw new BadParquet("E106", `codec ${column.codec}`);
      }
      bytes += BigInt(column.total_uncompressed_size);
    }
    if (group.num_rows > BigInt(MOST_GROUP_ROWS) || bytes > BigInt(MOST_GROUP_BYTES))
      throw new BadParquet("E102", "a row group that is too large");
  }
  if (rows !== BigInt(metadata.num_rows)) throw new BadParquet("E106", "row groups that do not add up");
  if (rows > BigInt(size)) throw new BadParquet("E102", "more rows than bytes");
}

function judgeSchema(metadata: FileMetaData, columns: readonly Column[]): void {
  const [root, ...fields] = metadata.schema;
  const wrong = (what: string): never => {
    throw new BadParquet("E106", what);
  };
  if (root?.num_children !== columns.length || fields.length !== columns.length) wrong("other columns");
  for (const group of metadata.row_groups) {
    if (group.columns.length !== columns.length) wrong("a row group of other columns");
    // columns are those of the schema, by their place: what a row group calls them besides is not looked at
    group.columns.forEach(({ meta_data: column }, i) => column && (column.path_in_schema = [columns[i]![0]]));
  }
  columns.forEach(([name, type, length, nullable, text], i) => {
    const field = fields[i]!;
    const isText = field.converted_type === "UTF8" || field.logical_type?.type === "STRING";
    const same =
      field.name === name &&
      field.type === type &&
      (field.type_length ?? null) === length &&
      field.repetition_type === (nullable ? "OPTIONAL" : "REQUIRED") &&
      isText === text;
    if (!same || (!text && type !== "INT64" && (field.converted_type || field.logical_type)))
      wrong(`column ${field.name}`);
  });
}
