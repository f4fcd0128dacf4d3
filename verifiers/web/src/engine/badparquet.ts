/** A catalogue's file that cannot be read (E106), or is beyond all bounds (E102). */
export class BadParquet extends Error {
  constructor(
    readonly code: "E102" | "E106",
    message: string,
  ) {
    super(message);
  }
}
