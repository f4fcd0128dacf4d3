/** Globs of an acquisition (manifest.md 6). */

/** Does some glob match a path? One without `/` is held against its last component, one with `/` against the whole. */
export function matchesAny(globs: readonly string[], path: string): boolean {
  return globs.some((glob) => matchesGlob(glob, glob.includes("/") ? path : path.slice(path.lastIndexOf("/") + 1)));
}

type Token = "any" | ((char: string) => boolean);

/** `*` is any run of characters, `/` too; by characters, in time of their product. */
export function matchesGlob(glob: string, text: string): boolean {
  const chars = [...text];
  const tokens = tokensOf([...glob]);
  let [at, place, star, from] = [0, 0, -1, 0];
  while (at < chars.length) {
    const token = tokens[place];
    if (token === "any") [star, from, place] = [place++, at, place];
    else if (token?.(chars[at]!)) [at, place] = [at + 1, place + 1];
    else if (star >= 0) [place, at] = [star + 1, ++from];
    else return false;
  }
  return tokens.slice(place).every((token) => token === "any");
}

function tokensOf(glob: string[]): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at]!;
    if (char === "*") tokens.push("any");
    else if (char === "?") tokens.push(() => true);
    else {
      const end = char === "[" ? endOfSet(glob, at) : -1;
      tokens.push(end < 0 ? (one) => one === char : setOf(glob.slice(at + 1, end)));
      if (end >= 0) at = end;
    }
  }
  return tokens;
}

/** The `]` that ends a `[`; -1 where none does. One that comes first is a member. */
function endOfSet(glob: string[], start: number): number {
  const first = glob[start + 1] === "!" ? start + 2 : start + 1;
  return glob.indexOf("]", glob[first] === "]" ? first + 1 : first);
}

function setOf(members: string[]): (char: string) => boolean {
  const negated = members[0] === "!";
  const ranges: [number, number][] = [];
  const of = (char: string): number => char.codePointAt(0)!;
  for (let at = negated ? 1 : 0; at < members.length; at++) {
    const isRange = members[at + 1] === "-" && at + 2 < members.length;
    ranges.push([of(members[at]!), of(members[isRange ? at + 2 : at]!)]);
    if (isRange) at += 2;
  }
  return (char) => ranges.some(([low, high]) => of(char) >= low && of(char) <= high) !== negated;
}
