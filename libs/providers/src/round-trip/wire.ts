// What official clients send, out of the types that their callers use: the words of an enum for the enum, base64 for bytes; and names as they stand in the JSON.

/** A client's type as it is in JSON. */
export type Wire<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends Uint8Array
      ? string
      : T extends readonly (infer Each)[]
        ? Wire<Each>[]
        : T extends object
          ? { [Name in keyof T]: Wire<T[Name]> }
          : T;

const renamed = (value: unknown, rename: (name: string) => string): unknown => {
  if (Array.isArray(value)) return value.map((each) => renamed(each, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [rename(name), renamed(member, rename)]));
};

/** Clients whose callers write camel case send snake case. */
export const snakeCase = (value: unknown): unknown =>
  renamed(value, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));

export const camelCase = (value: unknown): unknown =>
  renamed(value, (name) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
