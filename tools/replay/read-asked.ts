// The command line of `npm run replay`: which decisions, and what is to be different. Whatever makes no sense is refused before anybody is asked.
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { DecisionChange } from '@waystation/contracts';
import { UsageFault } from '../ledger/command.ts';
import { timeOf } from '../ledger/read-value.ts';

export interface Asked {
  /** Unix ms, the last excluded. */
  readonly from: number;
  readonly to: number;
  /** Undefined: all. */
  readonly workspaceId: string | undefined;
  readonly change: DecisionChange;
  readonly format: 'text' | 'json' | 'csv';
  readonly natsUrl: string | undefined;
  readonly dataDir: string;
}

export const HELP = `npm run replay -- --from TIME --to TIME [what is to be different]

Plans the routing decisions that were kept between two times again: what would have been chosen, what it would have cost, and who is affected.
Nothing is changed. TIME is ISO 8601, of the generation; the last is excluded. With nothing different, everything comes out as it was.

  --present              catalog, prices, policies and own keys as they are now, not as they were
  --policy FILE          in place of every policy that applied: JSON with members of a guardrail (allowed_providers, ignored_models, enforce_zdr, …)
  --prices FILE          over those of the catalog: JSON, by endpoint, USD per million or piece: {"lab/one@a": {"input": "0.10", "output": "0.40"}}
  --exclude-provider P   as if a guardrail forbade it; may be given several times
  --down ENDPOINT        as if it failed every call; may be given several times
  --stable               as if no endpoint had ever failed
  --workspace W          only of this one

  --json, --csv          every decision, as one line of JSON each or as a table, instead of the sums and the first that differ
  --data-dir DIR         of the running system (default .waystation); its run.json says where NATS is
  --nats URL             NATS itself, with the user operator and its password; so does the variable NATS_URL

Exit codes: 0 done, 2 the command makes no sense, 3 the system refused or could not be reached.`;

const OPTIONS = {
  from: { type: 'string' },
  to: { type: 'string' },
  workspace: { type: 'string' },
  present: { type: 'boolean' },
  stable: { type: 'boolean' },
  policy: { type: 'string' },
  prices: { type: 'string' },
  'exclude-provider': { type: 'string', multiple: true },
  down: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  csv: { type: 'boolean' },
  nats: { type: 'string' },
  'data-dir': { type: 'string' },
} as const;

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageFault(error instanceof Error ? error.message : String(error), { cause: error });
  }
};

const jsonOf = (option: string, file: string, readText: (file: string) => string): unknown => {
  try {
    return JSON.parse(readText(file));
  } catch (error) {
    throw new UsageFault(`${option} ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
};

/** What judges a change: the contract's schema, which is part of the build. */
export type ReadChange = (
  value: unknown,
) => { success: true; data: DecisionChange } | { success: false; error: { issues: readonly Issue[] } };
interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** @throws UsageFault */
export const readAsked = (
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
  readText: (file: string) => string,
  readChange: ReadChange,
): Asked => {
  const values = parse(args);
  const from = timeOf('--from', values.from);
  const to = timeOf('--to', values.to);
  if (to <= from) throw new UsageFault('--to must be after --from');
  if (values.json === true && values.csv === true) throw new UsageFault('--json and --csv exclude each other');
  const fileOf = (option: 'policy' | 'prices'): object => {
    const file = values[option];
    return file === undefined ? {} : { [option]: jsonOf(`--${option}`, path.resolve(cwd, file), readText) };
  };
  const change = readChange({
    ...(values.present === true ? { against: 'present' } : {}),
    ...(values.stable === true ? { health: 'stable' } : {}),
    ...(values.down === undefined ? {} : { down: values.down }),
    ...(values['exclude-provider'] === undefined ? {} : { exclude_providers: values['exclude-provider'] }),
    ...fileOf('policy'),
    ...fileOf('prices'),
  });
  if (!change.success) {
    const [issue] = change.error.issues;
    throw new UsageFault(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  return {
    ...{ from, to, workspaceId: values.workspace, change: change.data },
    format: values.json === true ? 'json' : values.csv === true ? 'csv' : 'text',
    natsUrl: values.nats ?? (env['NATS_URL'] === '' ? undefined : env['NATS_URL']),
    dataDir: path.resolve(cwd, values['data-dir'] ?? '.waystation'),
  };
};
