// What came of the tests of an older release, and which of their failures a person has judged to break nothing.
import { z } from 'zod';

/** Of jest's JSON. */
const outcome = z.object({
  testResults: z
    .array(
      z.object({
        name: z.string(),
        status: z.string(),
        assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })).default([]),
      }),
    )
    .default([]),
});

export interface Judged {
  /** End of the path of its file. */
  readonly file: string;
  readonly test: string;
  /** Why the release runs all the same. */
  readonly why: string;
}

const COUNTS_PARTITIONS =
  'it counts the partitions that a function of the schema makes, which makes those of the kept decisions as well; the release does nothing with the number but log it';

export const JUDGED: readonly Judged[] = [
  {
    file: 'apps/logging/src/logging.itest.ts',
    test: 'partitions are made once, a week ahead',
    why: COUNTS_PARTITIONS,
  },
  {
    file: 'apps/logging/src/logging.itest.ts',
    test: 'a redelivered line changes nothing, in a batch of others, in the default partition too',
    why: COUNTS_PARTITIONS,
  },
];

export interface Failures {
  /** Files in which anything failed. */
  readonly files: readonly string[];
  readonly judged: readonly Judged[];
  /** Tests, and files that could not be run, of which nobody has said that they break nothing. */
  readonly unjudged: readonly string[];
}

/** @param json as jest writes it. @throws ZodError where it is not that */
export const failuresOf = (json: unknown, known: readonly Judged[] = JUDGED): Failures => {
  const failed = outcome.parse(json).testResults.filter(({ status }) => status === 'failed');
  const tests = failed.flatMap(({ name, assertionResults }) => {
    const broken = assertionResults.filter(({ status }) => status === 'failed');
    // A file without a failed test could not be run.
    if (broken.length === 0) return [{ told: name, because: undefined }];
    return broken.map(({ fullName }) => ({
      told: `${name}: ${fullName}`,
      because: known.find(({ file, test }) => name.endsWith(`/${file}`) && test === fullName),
    }));
  });
  return {
    files: failed.map(({ name }) => name),
    judged: tests.flatMap(({ because }) => because ?? []),
    unjudged: tests.flatMap(({ told, because }) => (because === undefined ? [told] : [])),
  };
};
