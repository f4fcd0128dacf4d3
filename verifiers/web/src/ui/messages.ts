/** What page and worker say to each other. */

import type { ListedRow, Progress, Report } from "../engine/index";
import type { View } from "./details";
import type { RowFilter } from "./rows";

/** A folder as a browser gives it, paths below its top; or one file. */
export type Opened =
  { name: string; file: File } | { name: string; files: { path: string; blob: File }[]; folders: string[] };

export type Asked =
  | { ask: "verify"; evidence: Opened; policy: Opened | null; since: string; identity: string }
  | { ask: "rows"; id: number; filter: RowFilter; from: number; many: number };

export type Told =
  | { tell: "progress"; progress: Progress }
  | { tell: "done"; report: Report; view: View }
  | { tell: "failed"; usage: boolean; message: string }
  | { tell: "rows"; id: number; total: number; rows: ListedRow[] };
