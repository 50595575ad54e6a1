// What is wrong with a value of a file, in words and by its place; for every file that people write.
import type { z } from 'zod';
import type { Path } from './place-nodes.js';

export type Issue = z.core.$ZodIssue;

/** As people write it: `endpoints[0].price: `, or nothing for the whole. */
export const nameOf = (path: Path, key?: string): string => {
  const at = key === undefined ? path : [...path, key];
  return at.length === 0
    ? ''
    : `${at.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('')}: `;
};

export interface Problem {
  readonly at: Path;
  /** Where the name of a member is the problem. */
  readonly key?: string;
  readonly problem: string;
}

/** What an issue of the schema says about this value, in words. */
export const problemsOf = (value: unknown, issue: Issue): Problem[] => {
  const at = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ at, key, problem: 'is not known here' }));
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [{ at, problem: has(value, at) || issue.code === 'custom' ? message : 'is missing' }];
};

export const memberOf = (value: unknown, member: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[member] : undefined;

const has = (value: unknown, at: readonly (string | number)[]): boolean =>
  at.reduce<unknown>(
    (parent, part) =>
      typeof parent === 'object' && parent !== null ? (parent as Record<string | number, unknown>)[part] : undefined,
    value,
  ) !== undefined;
