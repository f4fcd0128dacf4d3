/** The page's words: six catalogues of one form (specs/texts), their plurals, numbers and times. */

import ar from "../../../../specs/texts/ar.json";
import en from "../../../../specs/texts/en.json";
import es from "../../../../specs/texts/es.json";
import fr from "../../../../specs/texts/fr.json";
import ru from "../../../../specs/texts/ru.json";
import zh from "../../../../specs/texts/zh.json";

export type Catalogue = typeof en;
export type Key = keyof Catalogue["ui"];
export type PluralKey = keyof Catalogue["plurals"];
export type Explanation = { title: string; means: string; means_not: string; do: string };
/** Tables whose keys come from evidence: looked up by whatever stands there. */
type Table =
  | "severities"
  | "grounds"
  | "groups"
  | "states"
  | "kinds"
  | "events"
  | "not_checked"
  | "checked"
  | "scopes"
  | "aspect_status";

export const CATALOGUES: readonly Catalogue[] = [en, fr, es, ar, ru, zh] as unknown as Catalogue[];

/** How numbers and dates are written. Arabic with the digits of hashes and paths, so that they can be compared. */
const LOCALE: Record<string, string> = { en: "en-GB", ar: "ar-u-nu-latn", zh: "zh-Hans" };

let current: Catalogue = CATALOGUES[0]!;

export function catalogue(): Catalogue {
  return current;
}

export function locale(): string {
  return LOCALE[current.language] ?? current.language;
}

/** The catalogue that a browser's wishes come closest to; English where none does. */
export function preferred(wishes: readonly string[]): string {
  for (const wish of wishes) {
    const found = CATALOGUES.find((one) => wish.toLowerCase().split("-")[0] === one.language);
    if (found) return found.language;
  }
  return "en";
}

export function speak(language: string): void {
  current = CATALOGUES.find((one) => one.language === language) ?? CATALOGUES[0]!;
}

function filled(text: string, values: Record<string, string>): string {
  return text.replace(/\{([a-z_]+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? values[name]! : whole));
}

/** A text of the interface. */
export function t(key: Key, values: Record<string, string> = {}): string {
  return filled(current.ui[key], values);
}

/** A text with a number, in the plural that the language wants. */
export function plural(key: PluralKey, n: number): string {
  const forms = current.plurals[key] as Record<string, string>;
  return filled(forms[new Intl.PluralRules(locale()).select(n)] ?? forms["other"]!, { n: num(n) });
}

/** The label of something that evidence names; null where there is none. */
export function label(table: Table, name: string): string | null {
  const labels = current[table] as Record<string, string>;
  return Object.hasOwn(labels, name) ? labels[name]! : null;
}

export function explanation(code: string): Explanation | null {
  const all = current.findings as Record<string, Explanation>;
  return Object.hasOwn(all, code) ? all[code]! : null;
}

export function num(n: number): string {
  return new Intl.NumberFormat(locale()).format(n);
}

/** A decimal string of any length (a size in bytes), with groups; what is no decimal string stands as it is. */
export function count(text: string): string {
  return /^[0-9]{1,20}$/.test(text) ? new Intl.NumberFormat(locale()).format(BigInt(text)) : text;
}

/** An instant as it is recorded, without the digits that say nothing, in UTC: the same in every language. */
export function instant(text: string | null, precision = "ns"): string {
  const parts = text === null ? null : /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(:\d{2})(?:\.(\d{1,9}))?Z$/.exec(text);
  if (!parts) return text ?? "";
  const [, day, minute, second, fraction = ""] = parts;
  if (precision === "day") return day!;
  if (precision === "min") return `${day} ${minute} UTC`;
  const digits = precision === "s" ? "" : fraction.replace(/0+$/, "");
  return `${day} ${minute}${second}${digits && `.${digits}`} UTC`;
}

/** Nanoseconds since 1970 as an instant; what is out of range stands as it is. */
export function nanoseconds(text: string | null): string {
  if (text === null || !/^-?[0-9]{1,30}$/.test(text)) return text ?? "";
  const ms = BigInt(text) / 1_000_000n;
  if (ms > 8_640_000_000_000_000n || ms < -62_135_596_800_000n) return `${text} ns`;
  return instant(new Date(Number(ms)).toISOString(), "s");
}
