/** Keys of persons, by what the log itself says of them (custody-log.md 5). */

import type { Event } from "./records";
import { readKeyLine } from "./sshkey";

export class Keys {
  private readonly same = new Map<string, string>();
  /** Keys that sign no more, and since which entry. */
  private readonly spent = new Map<string, number>();
  /** Revoked keys, and the least entry from which they are not believed. */
  readonly revoked = new Map<string, number>();
  /** By key: the entries of events that it signed; of a revocation by the key itself, that it is one. */
  private readonly signed = new Map<string, number[]>();
  private readonly ownRevocations = new Set<number>();
  private readonly spokenOf = new Set<string>();
  opener: string | null = null;

  /** One person's keys have one name. */
  person(key: string): string {
    let name = key;
    for (let next = this.same.get(name); next !== undefined; next = this.same.get(name)) name = next;
    return name;
  }

  persons = (event: Event): Set<string> => new Set(event.signers.map((key) => this.person(key)));

  /** A signer that signs no more when this entry is made, or is not believed from here on; null: none. */
  refused(event: Event, index: number): string | null {
    return event.signers.find((key) => this.isSpent(key, index)) ?? null;
  }

  isSpent(key: string, index: number): boolean {
    const from = this.revoked.get(key);
    return this.spent.has(key) || (from !== undefined && index >= from);
  }

  note(event: Event, index: number): void {
    for (const key of event.signers) {
      const list = this.signed.get(key);
      if (list) list.push(index);
      else this.signed.set(key, [index]);
    }
    if (event.type === "key_revoke" && event.signers.includes(String(event.body["key"])))
      this.ownRevocations.add(index);
  }

  /** A rule that an event about keys breaks; null: none. To be asked before `note` and `apply`. */
  judge(event: Event, index: number): { code: string; found: string } | null {
    const { body, type } = event;
    if (type === "key_add") {
      const key = readKeyLine(String(body["public_key"]))!.fingerprint;
      if (!event.signers.includes(key)) return { code: "E310", found: `${key} did not sign` };
      if (this.signed.has(key) || this.spokenOf.has(key))
        return { code: "E301", found: `${key} is not new to the log` };
      if (body["replaces"] !== undefined && body["replaces"] !== event.actor.key)
        return { code: "E301", found: "it replaces another's key" };
    } else if (type === "key_retire" || type === "key_revoke") {
      const persons = this.persons(event);
      const own = persons.has(this.person(String(body["key"])));
      if (!own && persons.size < 2 && !(this.opener && persons.has(this.person(this.opener))))
        return { code: "E301", found: "neither its owner, nor who opened the case, nor two persons" };
      if (type === "key_retire" && this.spent.has(String(body["key"])))
        return { code: "E301", found: `${body["key"]} signs no more` };
      if (type === "key_revoke" && BigInt(String(body["from_size"])) > BigInt(index)) {
        return { code: "E301", found: `from_size ${body["from_size"]}` };
      }
    }
    return null;
  }

  apply(event: Event, index: number): void {
    const { body, type } = event;
    if (type === "key_add") {
      const key = readKeyLine(String(body["public_key"]))!.fingerprint;
      this.spokenOf.add(key);
      if (body["replaces"] !== undefined) {
        this.same.set(key, this.person(event.actor.key));
        this.spent.set(event.actor.key, index);
      }
    } else if (type === "key_retire" || type === "key_revoke") {
      const key = String(body["key"]);
      this.spokenOf.add(key);
      this.spent.set(key, index);
      if (type === "key_revoke")
        this.revoked.set(key, Math.min(this.revoked.get(key) ?? Infinity, Number(body["from_size"])));
    }
  }

  /** Entries before a revocation that it reaches back to: with the key, each once. */
  *reachedBack(): Generator<{ index: number; key: string; from: number }> {
    for (const [key, from] of this.revoked) {
      for (const index of this.signed.get(key) ?? []) {
        if (index >= from && index < this.spent.get(key)! && !this.ownRevocations.has(index))
          yield { index, key, from };
      }
    }
  }
}
