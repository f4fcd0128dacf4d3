/** `package.json` and `withheld.json` (package.md 1 and 4): form, and what they say. */

import { compareText } from "./bytes";
import * as f from "./forms";
import { isObj, type Json, type Obj } from "./json";
import { type Actor, type Head, type Read, readRecord } from "./records";

export const PACKAGE_LIMIT = 4_194_304;
export const MOST_FILES = 65_536;

export interface Catalogue {
  entry: string;
  hidden: { count: string; ground: string }[];
  item: string;
  manifest: string;
  root: string;
  rows: string;
  shown: string;
}

/** What a package says of one log: its own, or that of an adopted case. */
export interface Said {
  case: string;
  checkpoint: Head;
  items: string[];
  log_keys: string[];
  manifests: Catalogue[];
}

export interface PackageFile extends Said {
  branches?: (Said & { name: string })[];
  confidentiality: string | null;
  created_at: Obj;
  exporter: Actor;
  files: { bytes: string; path: string; sha256: string }[];
  full: boolean;
  hash_only: boolean;
  onward_transfer: string | null;
  previous: { package: string; origin: string }[];
  recipient: Obj | null;
  transfer: string;
  use_limits: string | null;
  /** SHA-256 of the record of the request that the package answers. */
  request?: string;
}

export interface Withheld {
  events: { entry: string; ground: string }[];
  grounds: { ground: string; label: string }[];
  groups: { count: string; ground: string; group: string; manifest: string }[];
  rows: { count: string; ground: string; manifest: string }[];
}

export const ground: f.Form = (v) => typeof v === "string" && /^(?:[a-z][a-z0-9_]{0,39}|x-[a-z0-9-]{1,40})$/.test(v);

/** Ascending by these members, no two equal: counts by their number, texts by their bytes. */
function sorted(v: Json | undefined, ...members: string[]): boolean {
  const list = v as Obj[];
  const compare = (a: Obj, b: Obj): number => {
    for (const name of members) {
      const [x, y] = [String(a[name]), String(b[name])];
      if (x === y) continue;
      if (f.count(x) && f.count(y)) return BigInt(x) < BigInt(y) ? -1 : 1;
      return compareText(x, y);
    }
    return 0;
  };
  return list.every((one, i) => i === 0 || compare(list[i - 1]!, one) < 0);
}
const ordered =
  (form: f.Form, ...members: string[]): f.Form =>
  (v) =>
    f.array(form)(v) && sorted(v, ...members);

const hidden = ordered(f.shape({ count: f.count, ground }), "ground");
const catalogue = f.shape({
  entry: f.count,
  hidden,
  item: f.exhibit,
  manifest: f.count,
  root: f.hex32,
  rows: f.count,
  shown: f.count,
});
const said = {
  case: f.base64(16),
  checkpoint: f.treeHead,
  items: (v: Json | undefined) => f.array(f.exhibit)(v) && (v as Json[]).length > 0 && f.ascending(v as string[]),
  log_keys: (v: Json | undefined) => f.array(f.text)(v) && (v as Json[]).length === 2,
  manifests: (v: Json | undefined) => ordered(catalogue, "manifest")(v) && (v as unknown as Catalogue[]).every(addsUp),
};
const addsUp = ({ shown, hidden, rows }: Catalogue): boolean =>
  hidden.reduce((sum, { count }) => sum + BigInt(count), BigInt(shown)) === BigInt(rows);
const branch = f.shape({
  ...said,
  name: (v) => typeof v === "string" && v.split("/").length <= 4 && v.split("/").every((one) => f.branchName(one)),
});
const textOrNull = f.orNull(f.text);

const packageForm = f.shape(
  {
    _t: f.text,
    ...said,
    confidentiality: textOrNull,
    created_at: f.moment,
    exporter: f.actor,
    files: (v) =>
      f.array(f.shape({ bytes: f.count, path: f.text, sha256: f.hex32 }), MOST_FILES)(v) && sortedPaths(v as Obj[]),
    full: f.boolean,
    hash_only: f.boolean,
    onward_transfer: textOrNull,
    previous: f.array(f.shape({ package: f.hex32, origin: f.text })),
    recipient: f.orNull(f.person),
    transfer: f.base64(16),
    use_limits: textOrNull,
  },
  { branches: ordered(branch, "name"), request: f.hex32 },
);
const sortedPaths = (list: Obj[]): boolean =>
  list.every((one, i) => i === 0 || compareText(String(list[i - 1]!["path"]), String(one["path"])) < 0);

const groupName = f.oneOf("name", "content", "metadata", "opinion");
const withheldForm = f.shape({
  _t: f.text,
  events: ordered(f.shape({ entry: f.count, ground }), "entry"),
  grounds: ordered(f.shape({ ground, label: f.text }), "ground"),
  groups: ordered(
    f.shape({ count: f.count, ground, group: groupName, manifest: f.count }),
    "manifest",
    "group",
    "ground",
  ),
  rows: ordered(f.shape({ count: f.count, ground, manifest: f.count }), "manifest", "ground"),
});

export const readPackage = (bytes: Uint8Array): Read<PackageFile> =>
  readRecord(bytes, "package", packageForm, PACKAGE_LIMIT);
export const readWithheld = (bytes: Uint8Array): Read<Withheld> =>
  readRecord(bytes, "withheld", withheldForm, PACKAGE_LIMIT);

const shownForm = f.shape({
  _t: f.text,
  grounds: (v) => isObj(v) && Object.entries(v).every(([name, value]) => groupName(name) && ground(value)),
  groups: (v) =>
    isObj(v) &&
    Object.entries(v).every(
      ([name, value]) => groupName(name) && f.shape({ bytes: f.string, salt: f.base64(16) })(value),
    ),
  index: f.count,
  leaf: f.string,
  manifest: f.count,
  payload: f.orNull(f.shape({ bytes: f.count, path: f.string })),
  proof: f.orNull(f.array(f.base64(32), 63)),
});

export interface ShownLine {
  grounds: Record<string, string>;
  groups: Record<string, { bytes: string; salt: string }>;
  index: string;
  leaf: string;
  manifest: string;
  payload: { bytes: string; path: string } | null;
  proof: string[] | null;
}

/** Each group stands once, opened or with its ground; one is opened; a payload comes with `content`. */
const opensSome: f.Form = (v) => {
  const { grounds, groups, payload } = v as unknown as ShownLine;
  const names = [...Object.keys(groups), ...Object.keys(grounds)].sort().join();
  const isRow = names === "content,metadata,name" || names === "opinion";
  return isRow && Object.keys(groups).length > 0 && (payload === null || Object.hasOwn(groups, "content"));
};
export const readLine = (bytes: Uint8Array): Read<ShownLine> =>
  readRecord(bytes, "shown", (v) => shownForm(v) && opensSome(v), PACKAGE_LIMIT);
