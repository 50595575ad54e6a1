// What a change must pass, in the order in which it fails fastest. Each stage is one command; Jest stages count their own tests, the others count as one.

export interface Stage {
  readonly name: string;
  /** Arguments for Node. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Counts come from Jest's JSON. */
  readonly jest?: true;
  /** Wants WAYSTATION_TEST_POSTGRES_URL. */
  readonly postgres?: true;
  readonly timeoutMs: number;
}

const MINUTE = 60_000;
const jest = (...args: string[]): string[] => ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', ...args];
const e2e = (shape: 'split' | 'fused', full: boolean): Stage => ({
  name: full ? `faults, ${shape}` : `e2e, ${shape}`,
  command: jest(
    '--config',
    'e2e/jest.config.mjs',
    ...(full ? ['e2e/(faults|health-faults|money-faults|budgets|zdr|rolling)\\.e2e'] : []),
  ),
  env: { WAYSTATION_E2E_SHAPE: shape, ...(full ? { WAYSTATION_E2E_TIME_SCALE: '1' } : {}) },
  jest: true,
  timeoutMs: (full ? 120 : 30) * MINUTE,
});

/**
 * Node never frees the modules that a test file loaded through `--experimental-vm-modules`: two processes for all files end with heaps of four gigabytes, near
 * the most that V8 takes, and stand still for seconds while they are searched. So the files come in parts, each with fresh processes.
 */
const UNIT_PARTS = 8;
const unit = (part: number): Stage => ({
  name: `unit and integration ${part}/${UNIT_PARTS}`,
  command: jest(`--shard=${part}/${UNIT_PARTS}`),
  jest: true,
  postgres: true,
  timeoutMs: 15 * MINUTE,
});

const BUILD: Stage = { name: 'build', command: ['tools/start/build.main.ts'], timeoutMs: 10 * MINUTE };

const STAGES: readonly Stage[] = [
  BUILD,
  {
    name: 'typecheck',
    command: ['node_modules/nx/dist/bin/nx.js', 'run', 'waystation:typecheck'],
    timeoutMs: 10 * MINUTE,
  },
  { name: 'lint', command: ['node_modules/nx/dist/bin/nx.js', 'run', 'waystation:lint'], timeoutMs: 10 * MINUTE },
  { name: 'format', command: ['node_modules/prettier/bin/prettier.cjs', '--check', '.'], timeoutMs: 5 * MINUTE },
  { name: 'tidy', command: ['tools/tidy/main.ts'], timeoutMs: 5 * MINUTE },
  { name: 'contracts', command: ['tools/contracts/main.ts', '--check'], timeoutMs: 5 * MINUTE },
  { name: 'openapi', command: ['tools/openapi/main.ts', '--check'], timeoutMs: 5 * MINUTE },
  ...Array.from({ length: UNIT_PARTS }, (_, index) => unit(index + 1)),
  e2e('split', false),
  e2e('fused', false),
];

const FULL_LEDGER: Stage = {
  name: 'verify 100,000',
  command: jest('apps/billing/src/verify/verify-many'),
  env: { WAYSTATION_VERIFY_GENERATIONS: '100000' },
  jest: true,
  postgres: true,
  timeoutMs: 10 * MINUTE,
};

const FAULTS: readonly Stage[] = [BUILD, FULL_LEDGER, e2e('split', true), e2e('fused', true)];

/** All stages, or those whose names begin with one of the words given. */
export function chooseStages(words: readonly string[], faults: boolean): Stage[] {
  const there = faults ? FAULTS : STAGES;
  const wanted = there.filter((stage) => words.length === 0 || words.some((word) => stage.name.startsWith(word)));
  const unknown = words.filter((word) => !there.some((stage) => stage.name.startsWith(word)));
  if (unknown.length > 0)
    throw new Error(
      `no stage begins with ${unknown.join(', ')}; there are ${there.map((stage) => stage.name).join(' | ')}`,
    );
  return wanted;
}
