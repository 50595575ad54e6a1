// What a client's file offers, and what it is given: an address and a key, as a user has them, and nothing else of the system.
import type { Told } from '../questions.ts';

export interface Connection {
  /** Without a path. */
  readonly url: string;
  readonly apiKey: string;
  readonly managementKey: string;
}

/** By the names in matrix.ts. */
export type Features = Readonly<Record<string, (model: string) => Promise<Told>>>;

export interface Cell {
  readonly feature: string;
  readonly model: string;
}

export interface Order {
  readonly file: string;
  readonly connection: Connection;
  readonly cells: readonly Cell[];
}

/** One line of output each. */
export interface Outcome extends Cell {
  readonly told?: Told;
  readonly error?: string;
}
