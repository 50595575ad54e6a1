// What a filter is, as those who look at texts see it.

export interface Range {
  readonly start: number;
  readonly end: number;
}
export interface Match extends Range {
  /** Which rule of several it was. */
  readonly rule?: string;
}

/** Looks for one kind of thing in a bounded part of a text. */
export interface Detector {
  /** A match that is longer is found in part at most where a text comes in pieces. */
  readonly windowCharacters: number;
  /** How much of a text one call looks at, besides the window; the bound on how long it takes. */
  readonly stepCharacters: number;
  /** The first match that begins at `from` or later and ends at `end` or before; what stands before `from` is context. */
  find(text: string, from: number, end: number): Match | undefined;
}
