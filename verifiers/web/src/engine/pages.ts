/**
 * Pages of a Parquet file (manifest.md 9, verification.md 6): their headers are looked at, and their checksums, before
 * a library reads them.
 */

import type { RowGroup } from "hyparquet";
import { BadParquet } from "./badparquet";
import { crc32 } from "./crc32";
import { Compact } from "./thrift";
import type { Bytes } from "./types";

const MOST_PAGE = 256 * 1024 * 1024;
const MOST_GROUP_BYTES = 1 << 30;

/** Judges the pages of row groups, which come in their order. */
export class Pages {
  private end = 4;

  constructor(
    private readonly file: Bytes,
    /** Where the footer begins. */
    private readonly most: number,
  ) {}

  /** Raises `BadParquet`. */
  async judge(group: RowGroup): Promise<void> {
    let uncompressed = 0;
    for (const { meta_data: column } of group.columns) {
      if (!column) throw new BadParquet("E106", "a column that is not described");
      const first = column.dictionary_page_offset ?? column.data_page_offset;
      const start = Number(first < column.data_page_offset ? first : column.data_page_offset);
      const length = Number(column.total_compressed_size);
      if (!(start >= this.end && length >= 0 && start + length <= this.most))
        throw new BadParquet("E106", "pages that are not in their place");
      if (length > MOST_GROUP_BYTES) throw new BadParquet("E102", "a row group that is too large");
      this.end = start + length;
      const chunk = await this.file.read(start, length);
      if (chunk.length < length) throw new BadParquet("E106", "pages that are cut off");
      const found = judgeChunk(chunk);
      if (found.values !== Number(column.num_values))
        throw new BadParquet("E106", "pages with other values than their column says");
      uncompressed += found.uncompressed;
      if (uncompressed > MOST_GROUP_BYTES) throw new BadParquet("E102", "a row group that is too large");
    }
  }
}

/** Values and bytes of the pages of one column chunk. */
function judgeChunk(chunk: Uint8Array): { values: number; uncompressed: number } {
  let at = 0;
  let values = 0;
  let uncompressed = 0;
  while (at < chunk.length) {
    const reader = new Compact(chunk, at);
    const header = reader.read();
    const [type, size, length, crc] = [1, 2, 3, 4].map((id) => header.get(id)) as (number | undefined)[];
    const isSize = (value: unknown): value is number => typeof value === "number" && value >= 0;
    if (!isSize(size) || !isSize(length) || reader.at + length > chunk.length)
      throw new BadParquet("E106", "a page header that is none");
    if (size > MOST_PAGE) throw new BadParquet("E102", "a page that is too large");
    const data = chunk.subarray(reader.at, reader.at + length);
    if (crc !== undefined && crc32(data) !== crc >>> 0) throw new BadParquet("E106", "a page whose checksum differs");
    const ofData = header.get(type === 3 ? 8 : 5);
    if (type === 0 || type === 3) {
      const count = ofData instanceof Map ? ofData.get(1) : undefined;
      if (!isSize(count)) throw new BadParquet("E106", "a page header that is none");
      values += count;
    }
    uncompressed += size;
    at = reader.at + length;
  }
  return { values, uncompressed };
}
