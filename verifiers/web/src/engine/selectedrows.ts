/** Whose each row of a divided catalogue is (manifest.md 11). Reads no files. */

import type { Base } from "./bases";

const MOST_DEEP = 64;
/** Rows of all copies that are divided in their turn: 4 bytes each. */
const MOST_COPIED = 1 << 26;
const NOBODYS = 0xffffffff;

/** One division: an exhibit's rows, or those of a copy. Owners are numbers of items, 0 is the whole. */
interface Division {
  root: string;
  owners: Uint32Array;
  /** By number: the number of the item that it was taken from. */
  parents: number[];
}

interface Place {
  division: Division;
  number: number;
}

export interface Taking {
  base: Base;
  isCopy: boolean;
  /** The part is divided in its turn. */
  isDivided: boolean;
}

/** Gives the row to the part: null, or the code of why it is not its. */
type Take = (index: string) => "E118" | "E119" | null;

export class Rows {
  private readonly roots = new Map<string, string>();
  private readonly parents = new Map<string, string>();
  private readonly places = new Map<string, Place>();
  /** By root, for parts that have no rows of it. */
  private readonly none = new Map<string, Division>();
  private copied = 0;

  seal(item: string, root: string): void {
    if (!this.roots.has(item)) this.roots.set(item, root);
  }

  part(part: string, from: string): void {
    if (!this.parents.has(part)) this.parents.set(part, from);
  }

  isTooDeep(item: string): boolean {
    let name: string | undefined = item;
    for (let deep = 0; deep <= MOST_DEEP; deep++) {
      name = this.parents.get(name);
      if (name === undefined) return false;
    }
    return true;
  }

  /** Was a root sealed for the item, or for one that it is a part of? */
  hasRoot(item: string): boolean {
    let name: string | undefined = item;
    for (let deep = 0; name !== undefined && deep <= MOST_DEEP; deep++) {
      if (this.roots.has(name)) return true;
      name = this.parents.get(name);
    }
    return false;
  }

  /** Is this the root that was sealed for the item, or for one that it is a part of? */
  isSealed(item: string, root: string): boolean {
    let name: string | undefined = item;
    for (let deep = 0; name !== undefined && deep <= MOST_DEEP; deep++) {
      if (this.roots.get(name) === root) return true;
      name = this.parents.get(name);
    }
    return false;
  }

  /** Who takes rows of `item` for `part`; null where there are too many to follow. */
  taker(item: string, part: string, { base, isCopy, isDivided }: Taking): Take | null {
    const { division, number } = this.placeOf(item, base);
    const { owners, parents } = division;
    const own = parents.push(number) - 1;
    const copy = isCopy && isDivided ? this.copyOf(base) : null;
    if (isCopy && isDivided && !copy) return null;
    if (copy) this.places.set(part, { division: copy, number: 0 });
    else if (!isCopy) this.places.set(part, { division, number: own });
    return (index) => {
      if (BigInt(index) >= BigInt(owners.length)) return null; // it has no leaf: that is said of it
      const at = Number(index);
      const owner = owners[at]!;
      if (owner !== number) return isPartOf(parents, owner, number) ? "E119" : "E118";
      if (copy) copy.owners[at] = 0;
      else if (!isCopy) owners[at] = own;
      return null;
    };
  }

  private placeOf(item: string, base: Base): Place {
    const known = this.places.get(item);
    if (known?.division.root === base.root) return known;
    if (this.roots.get(item) === base.root) {
      const place = { division: divisionOf(base, 0), number: 0 };
      this.places.set(item, place);
      return place;
    }
    let none = this.none.get(base.root);
    if (!none) this.none.set(base.root, (none = divisionOf(base, NOBODYS)));
    return { division: none, number: 0 };
  }

  private copyOf(base: Base): Division | null {
    this.copied += base.marks.length;
    if (this.copied > MOST_COPIED) return null;
    return divisionOf(base, NOBODYS);
  }
}

const divisionOf = (base: Base, owner: number): Division => ({
  root: base.root,
  owners: new Uint32Array(base.marks.length).fill(owner),
  parents: [0],
});

function isPartOf(parents: readonly number[], part: number, whole: number): boolean {
  let number = part;
  for (let deep = 0; deep <= MOST_DEEP && number > 0 && number < parents.length; deep++) {
    number = parents[number]!;
    if (number === whole) return true;
  }
  return false;
}
