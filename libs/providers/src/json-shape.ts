// What a provider sends may have any shape: these look before they read.

export type JsonObject = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const NOTHING: JsonObject = {};
export const recordOf = (value: unknown): JsonObject => (isRecord(value) ? value : NOTHING);
export const recordsOf = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isRecord) : []);
/** Undefined for an empty text too. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
export const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** The members that are set, as the other members of an object literal: `...present({ a, b })`. */
export const present = <T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } => {
  const set: Partial<T> = {};
  for (const name in members) if (members[name] !== undefined) set[name] = members[name];
  return set as never;
};
