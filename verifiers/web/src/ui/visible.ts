/** Text out of evidence made safe to look at: nothing in it can hide, reorder its neighbours, or pass for markup. */

const HIDDEN =
  /([\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}\p{Cn}\u115f\u1160\u3164\uffa0\u00a0\u2000-\u200a\u202f\u205f\u3000\u034f\u17b4\u17b5\ufe00-\ufe0f])/u;
const PICTURES: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A piece of a text: as it stands, or written out because it could not be seen. */
export type Piece = { text: string; escaped: boolean };

/**
 * `text` in pieces, in which control, format, bidi, unassigned and lookalike blank characters are written out as \u{…}.
 *
 * More than `most` characters are cut in the middle, and the cut is shown with the number of what is left out.
 */
export function pieces(text: string, most = 2048): Piece[] {
  const points = [...text];
  if (points.length > most) {
    const cut = { text: ` […${points.length - most}…] `, escaped: true };
    return [...pieces(points.slice(0, most - 200).join(""), most), cut, ...pieces(points.slice(-200).join(""), most)];
  }
  return text
    .split(HIDDEN)
    .flatMap((part, i): Piece[] =>
      part === "" ? [] : i % 2 ? [{ text: written(part), escaped: true }] : [{ text: part, escaped: false }],
    );
}

function written(char: string): string {
  return PICTURES[char] ?? `\\u{${char.codePointAt(0)!.toString(16)}}`;
}

/** The same as one text, for where there is no room for pieces. */
export function visible(text: string, most = 2048): string {
  return pieces(text, most)
    .map((piece) => piece.text)
    .join("");
}
