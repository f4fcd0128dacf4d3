/** The engine's public types. `Report` is specs/report.schema.json; `Input` is all that the engine knows of files. */

export type Aspect = "record" | "evidence" | "identity" | "time" | "witness" | "custody" | "completeness";
export type Severity = "error" | "warning" | "note";
export type Verdict = "VERIFIED" | "INTEGRITY ONLY" | "FAILED" | "NOT CHECKED";

export interface Finding {
  code: string;
  severity: Severity;
  /** Place in what was verified, safe to show as text. */
  where: string;
  expected: string;
  found: string;
}

export interface NotChecked {
  aspect: Aspect;
  code: string;
  what: string;
  reason: string;
}

export interface AspectStatus {
  status: "ok" | "failed" | "not_checked";
  reason: string;
}

export interface Counts {
  checked: Record<string, number>;
  files_of_record: { checked: number; not_checked: number; total: number };
  findings: { by_code: Record<string, number>; total: number };
  not_checked: number;
  rows: number;
  states: Record<string, number>;
  bytes?: number;
  derived_rows?: number;
  entries?: number;
  exhibits?: number;
  packages?: number;
  package_rows?: number;
  payload_compared?: number;
  payload_left?: number;
  row?: { index: string; item: string; kind: string };
  witnessed?: number;
}

export interface Bound {
  first: number;
  last: number;
  not_after: string | null;
  not_after_by: string | null;
  not_before: string | null;
  not_before_by: string | null;
}

export interface Times {
  bounds: Bound[];
  bounds_total: number;
  covered_by: string[];
}

export interface PackageFacts {
  container: "folder" | "tar" | "zip" | "unknown";
  digest: string | null;
  [member: string]: unknown;
}

/** One document as `evidencekit verify --json` prints it. */
export interface Report {
  _t: "evidencekit/report/1";
  verdict: Verdict;
  /** The verdict with its scope. */
  line: string;
  reason: string;
  exit_code: 0 | 3 | 4 | 7;
  scope: "record" | "record and evidence" | "package" | "row" | "log";
  subject: "case" | "package" | "proof" | "log";
  aspects: Record<Aspect, AspectStatus>;
  checked: string[];
  checkpoint: { origin: string; root: string; size: number } | null;
  counts: Counts;
  findings: Finding[];
  not_checked: NotChecked[];
  times: Times | null;
  package?: PackageFacts;
}

/** What a reader sees of one event, for a picture of custody. Not part of the report: nothing in it is judged. */
export interface TimelineEvent {
  /** Where it stands, as in findings. */
  where: string;
  index: number;
  /** Null for an event that is withheld. */
  type: string | null;
  items: string[];
  actor: { id: string; key: string; role: string | null; organisation: string | null } | null;
  /** Fingerprints of all who sign, the actor first. */
  signers?: string[];
  /** Receiver, where the event names one. */
  to: string | null;
  occurred_at: { time: string; precision: string; utc_offset_min: number | null } | null;
  recorded_at: string | null;
  /** The event's body as it was signed. */
  body: Record<string, unknown> | null;
}

/** One row that a package shows or a catalogue has, for a list of items. */
export interface ListedRow {
  where: string;
  manifest: string;
  index: string;
  kind: string;
  /** Path with escapes (specs/encoding.md 5); null where the name is withheld or erased. */
  path: string | null;
  state: string | null;
  size: string | null;
  sha256: string | null;
  mtime_ns: string | null;
  /** Path of the payload in the package. */
  payload: string | null;
  /** Group to ground, for what is withheld of it. */
  grounds: Record<string, string>;
}

export interface Options {
  /** The recipient's policy folder: `policy.toml`, `allowed_signers`, `logs.policy`, `revoked.toml`, `tsa/*.pem`. */
  policy?: Tree;
  /** Text of a checkpoint known from outside, in any form that specs/checkpoint.md 13 takes. */
  since?: string;
  /** Evidence to compare, by exhibit (step 14). */
  sources?: ReadonlyMap<string, Tree>;
  /** Owner, mode and times of the source only warn. */
  asCopy?: boolean;
  /** age identities (`AGE-SECRET-KEY-1…`), one a line, for a package that is encrypted. */
  identity?: string;
  /** The package digest that a letter states: 64 hex digits. */
  digest?: string;
  /** The verifier's clock in milliseconds since 1970; null: none. Default: now. */
  now?: number | null;
  /** Called for each event in the order of the log. */
  onEvent?: (event: TimelineEvent) => void;
  /** Called for each row that is shown. Keep it cheap: there can be millions. */
  onRow?: (row: ListedRow) => void;
}

export interface Progress {
  /** `list` files, `hash` content, `lines` of a package, `log`, `rows` of catalogues, `done`. */
  phase: "list" | "hash" | "lines" | "log" | "rows" | "done";
  /** Bytes read in this phase, of how many; `total` null where nobody knows. */
  done: number;
  total: number | null;
  /** What is being read, safe to show. */
  name: string;
}

export type OnProgress = (progress: Progress) => void;

/** Bytes that can be read at any place. */
export interface Bytes {
  readonly size: number;
  /** Exactly `length` bytes from `offset`, fewer only at the end. Rejects where the medium cannot be read. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close?(): Promise<void>;
}

export interface Listed {
  /** Components joined by `/`, relative to the top. Bytes that are no UTF-8 stand as U+DC80 to U+DCFF. */
  path: string;
  kind: "file" | "directory" | "symlink" | "other";
  /** Of plain files. */
  size: number;
}

/** What a file system says of one name; absent: it does not say. */
export interface Stat {
  /** As manifest.md 1 names kinds. */
  kind: string;
  size: number;
  target?: Uint8Array;
  mode?: number;
  uid?: number;
  gid?: number;
  mtimeNs?: bigint;
  btimeNs?: bigint;
  /** The same text for names of one file. */
  file?: string;
}

/** A folder: what was dropped, a directory on disk, an archive that was opened. Links are never followed. */
export interface Tree {
  /**
   * Each file and folder below the top once. Where folders are not known (a browser's list of files) they may be left
   * out.
   */
  list(): AsyncIterable<Listed>;
  /** The content of a plain file that `list` named; null where it is not there or is no plain file. */
  open(path: string): Promise<Bytes | null>;
  /** Of the top for the empty path; where a file system stands behind it. Links are not followed. */
  stat?(path: string): Promise<Stat | null>;
}

/**
 * What is verified: a folder (case, package), or one file (.zip, .tar, .age, a row proof). `name` is for display only.
 */
export type Input = { name: string; tree: Tree } | { name: string; file: Bytes };
