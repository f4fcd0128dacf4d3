/** Names of files in packages: which are safe (package.md 9), and under which a row's content lies (package.md 3). */

import { concat, fromUtf8, toHex, utf8 } from "./bytes";
import { sha256 } from "./hash";
import { foldName, isNfc32, isPlain32 } from "./unicode";

const RESERVED = /^(?:CON|PRN|AUX|NUL|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])(?:\.|$)/i;
const FORBIDDEN = /[\p{Cc}"*:<>?\\|]/u;
export const MOST_COMPONENTS = 64;
export const MOST_PATH = 4096;

/** Why a path is not safe; null where it is. `E156` for what is beyond all bounds. */
export function unsafe(path: string): "E153" | "E156" | null {
  if (path.length > MOST_PATH || utf8(path).length > MOST_PATH) return "E156";
  const components = path.split("/");
  for (const one of components) {
    if (!one || one === "." || one === ".." || FORBIDDEN.test(one) || RESERVED.test(one) || /[ .]$/.test(one))
      return "E153";
  }
  return components.length > MOST_COMPONENTS ? "E156" : null;
}

export { foldName };

const PLAIN_ASCII = /[A-Za-z0-9 !#$&'()+,\-.;=@[\]_{}]/;

const escape = (byte: number): string => `^${byte.toString(16).toUpperCase().padStart(2, "0")}`;

/** A component as 3.1 and 3.2 have it, in units that are not to be cut: characters and `^XX`. */
function units(bytes: Uint8Array): string[] {
  const text = fromUtf8(bytes);
  const composed = text !== null && isNfc32(text);
  const out: string[] = [];
  if (composed) {
    for (const char of text) {
      const point = char.codePointAt(0)!;
      if (point < 0x80 ? PLAIN_ASCII.test(char) : isPlain32(point)) out.push(char);
      else out.push(...Array.from(utf8(char), escape));
    }
  } else {
    for (const byte of bytes)
      out.push(byte < 0x80 && PLAIN_ASCII.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : escape(byte));
  }
  const whole = out.join("");
  const escapeAt = (place: number): void => {
    const unit = out[place];
    if (unit !== undefined && !/^\^[0-9A-F]{2}/.test(unit)) out[place] = Array.from(utf8(unit), escape).join("");
  };
  if (RESERVED.test(whole) || /^[ .]/.test(whole)) escapeAt(0);
  if (/[ .]$/.test(out.at(-1) ?? "")) escapeAt(out.length - 1);
  return out;
}

/** Both forms of a component, of a stream where there is one; the first is null where it is too long. */
export function mapped(component: Uint8Array, stream: Uint8Array | null): { plain: string | null; short: string } {
  const parts = component.length ? units(component) : ["^~source"];
  if (stream) parts.push("^~s-", ...units(stream));
  const whole = parts.join("");
  let cut = "";
  let size = 0;
  for (const unit of parts.flatMap((part) =>
    /^(?:\^[0-9A-F]{2}){2,}$/.test(part)
      ? part.match(/.{3}/g)!
      : part === "^~s-" || part === "^~source"
        ? [...part]
        : [part],
  )) {
    const bytes = utf8(unit).length;
    if (size + bytes > 120) break;
    cut += unit;
    size += bytes;
  }
  const digest = toHex(sha256(stream ? concat(component, new Uint8Array([0]), stream) : component));
  return { plain: utf8(whole).length <= 200 ? whole : null, short: `${cut}^~${digest.slice(0, 32)}` };
}

/** May `path` be that of the payload of this row? `name` null: it is withheld. */
export function isPayloadOf(
  path: string,
  item: string,
  index: string,
  name: { path: Uint8Array; stream: Uint8Array | null } | null,
): boolean {
  const root = mapped(utf8(item), null);
  const hidden = [root.plain, root.short].filter((one) => one !== null).map((one) => `data/${one}/^~row-${index}`);
  if (!name) return hidden.includes(path);
  const components = name.path.length ? split(name.path) : [name.path];
  const forms = components.map((one, i) => mapped(one, i === components.length - 1 ? name.stream : null));
  const longest = [root, ...forms].reduce((sum, { plain, short }) => sum + 1 + utf8(plain ?? short).length, 4);
  if (longest > 1000 || forms.length + 2 > 50) return hidden.includes(path);
  const given = path.split("/");
  return (
    given.length === forms.length + 2 &&
    given[0] === "data" &&
    [root, ...forms].every(({ plain, short }, i) => given[i + 1] === plain || given[i + 1] === short)
  );
}

export function split(path: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let start = 0;
  for (let i = 0; i <= path.length; i++) {
    if (i < path.length && path[i] !== 0x2f) continue;
    parts.push(path.subarray(start, i));
    start = i + 1;
  }
  return parts;
}
