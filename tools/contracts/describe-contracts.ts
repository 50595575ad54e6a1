// What of libs/contracts is described, and how: every exported rpc, stream and signal is found by itself; lines and entries that are not contracts of
// their own are named here.
import * as contracts from '@waystation/contracts';
import type { RpcContract, SignalContract, StreamContract } from '@waystation/contracts';
import { z } from 'zod';

export interface Description {
  readonly file: string;
  readonly text: string;
}

type AnyContract = RpcContract<unknown, unknown> | StreamContract<unknown, unknown> | SignalContract<unknown>;

const isContract = (value: unknown): value is AnyContract =>
  value !== null &&
  typeof value === 'object' &&
  'kind' in value &&
  (value.kind === 'rpc' || value.kind === 'stream' || value.kind === 'signal');

/** Named by what they are in the journal and in the buckets. */
const SCHEMAS = {
  'journal.batch': contracts.journalBatch,
  'journal.money': contracts.moneyLine,
  'journal.trail': contracts.trailLine,
  'snapshot.affinity': contracts.affinityEntry,
  'snapshot.answer': contracts.answerEntry,
  'snapshot.credential': contracts.credentialEntry,
  'snapshot.own-key': contracts.ownKeyEntry,
  'snapshot.endpoint': contracts.endpointEntry,
  'snapshot.head': contracts.headEntry,
  'snapshot.idempotency': contracts.idempotencyEntry,
  'snapshot.key': contracts.keyEntry,
  'snapshot.model': contracts.modelEntry,
  'snapshot.policy': contracts.policyEntry,
  'snapshot.preset': contracts.presetEntry,
  'snapshot.provider': contracts.providerEntry,
  'snapshot.workspace': contracts.workspaceEntry,
} as const satisfies Record<string, z.ZodType>;

const schemaOf = (schema: z.ZodType): unknown => {
  const described = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  delete described.$schema;
  return described;
};

/** The subject with its variable part as a wildcard. */
const subjectOf = (contract: AnyContract): string => (contract.kind === 'rpc' ? contract.subject : contract.subjectAny);

const describe = (contract: AnyContract): Record<string, unknown> => {
  const common = { kind: contract.kind, name: contract.name, version: contract.version, subject: subjectOf(contract) };
  switch (contract.kind) {
    case 'rpc':
      return {
        ...common,
        queue: contract.queue,
        permission: contract.permission,
        idempotent: contract.idempotent,
        request: schemaOf(contract.request),
        reply: schemaOf(contract.reply),
      };
    case 'stream':
      return {
        ...common,
        queue: contract.queue,
        permission: contract.permission,
        idempotent: contract.idempotent,
        request: schemaOf(contract.request),
        end: schemaOf(contract.end),
      };
    case 'signal':
      return { ...common, message: schemaOf(contract.message) };
    default: {
      const never: never = contract;
      return never;
    }
  }
};

const tableOf = (all: readonly AnyContract[]): string => {
  const rows = all.map((contract) => {
    const { permission, idempotent } = contract.kind === 'signal' ? { permission: '–', idempotent: '–' } : contract;
    return `| [${contract.name}](${contract.name}.json) | ${contract.kind} | \`${subjectOf(contract)}\` | ${contract.version} | ${permission} | ${String(idempotent)} |`;
  });
  return [
    '# Contracts',
    '',
    'Everything that crosses a process, generated from `libs/contracts` by `node tools/contracts/main.ts`. Do not edit.',
    'Adding an optional field is compatible; all else is a new version.',
    '',
    '| name | kind | subject | version | permission | idempotent |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    '| lines and entries | |',
    '|---|---|',
    ...Object.keys(SCHEMAS).map(
      (name) => `| [${name}](${name}.json) | ${name.startsWith('journal') ? 'journal' : 'KV value'} |`,
    ),
    '',
  ].join('\n');
};

export const describeContracts = (): Description[] => {
  const all = Object.values(contracts as Record<string, unknown>)
    .filter(isContract)
    .sort((left, right) => left.name.localeCompare(right.name));
  return [
    { file: 'README.md', text: tableOf(all) },
    ...all.map((contract) => ({ file: `${contract.name}.json`, text: JSON.stringify(describe(contract)) })),
    ...Object.entries(SCHEMAS).map(([name, schema]) => ({
      file: `${name}.json`,
      text: JSON.stringify({ kind: name.split('.')[0], name, schema: schemaOf(schema) }),
    })),
  ];
};
