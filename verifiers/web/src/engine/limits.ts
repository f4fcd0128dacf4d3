/** Findings that this verifier does not make, and why (verification.md 8): what could have them is listed under `not_checked`. */

const REDUCED = "reduced catalogues are not read";
const SELECTIONS = "lists of rows of parts are not read";
const SOURCE = "sources are not compared";

export const LIMITS: Record<string, string> = {
  E113: REDUCED,
  E114: REDUCED,
  E115: REDUCED,
  E116: REDUCED,
  E117: SELECTIONS,
  E118: SELECTIONS,
  E119: SELECTIONS,
  E309: "messages from other logs are not read",
  "E201@EX-*": SOURCE,
  "E112@manifests/*.r*": REDUCED,
  "E201@manifests/*.r*": REDUCED,
  "E202@manifests/*.r*": REDUCED,
  E435: "published logs are not read",
  E505: SOURCE,
  E506: SOURCE,
  E507: SOURCE,
  W906: SOURCE,
};
