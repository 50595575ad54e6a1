// Where a text is found in a running system: rows of every table, messages of the bus, files of the data folder, what processes say, and traces.
// Looked for are the text itself and what it becomes in hex and in base64, so that no coat hides it.
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { SUBJECTS } from '@waystation/contracts';
import type { FakeUpstream, RunningSystem } from '@waystation/testing';
import pg from 'pg';

/** Told to many, or to those who have no business with prompts; besides whatever a stream or a bucket keeps. Calls to workers carry prompts. */
const OVERHEARD = [
  SUBJECTS.routePlan,
  SUBJECTS.lease('grant'),
  SUBJECTS.lease('renew'),
  SUBJECTS.lease('return'),
  ...(['control', 'billing', 'logging'] as const).map((service) => SUBJECTS.management(service, '*', '*')),
  SUBJECTS.attemptCancel('*'),
  SUBJECTS.attemptNeed('*'),
  SUBJECTS.attemptHeld('*'),
  SUBJECTS.attemptSettled('*'),
  SUBJECTS.leaseRecall('*'),
  SUBJECTS.aliveAny,
  SUBJECTS.healthAny,
];

/** Letters and digits only, so that JSON and URLs write it as it is. */
const BASE64_OFFSETS = [0, 1, 2];

/** The text, in hex, and the middle of its base64 at each place that it may have in its group of three. */
const formsOf = (word: string): Buffer[] => {
  const bytes = Buffer.from(word);
  const inBase64 = BASE64_OFFSETS.map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64url');
    return encoded.slice(offset === 0 ? 0 : 4, encoded.length - 2);
  });
  return [word, bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...inBase64].map((form) =>
    Buffer.from(form),
  );
};

export interface Watch {
  /** Places that hold the text in any form; each begins with `table`, `bus`, `file` or `traces`. */
  find(word: string): Promise<string[]>;
  close(): Promise<void>;
}

/** Hears from now on what goes over the bus. */
export const watchAtRest = async (system: RunningSystem, traces: FakeUpstream): Promise<Watch> => {
  const { url, user, password } = system.nats;
  const nats = await connect({
    servers: url,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    inboxPrefix: '_INBOX.operator',
  });
  const heard: { readonly subject: string; readonly data: Uint8Array }[] = [];
  const kept: string[] = [];
  for await (const { config } of (await jetstreamManager(nats)).streams.list()) kept.push(...(config.subjects ?? []));
  for (const subject of new Set([...kept, ...OVERHEARD]))
    nats.subscribe(subject, {
      callback: (_error, message) => void heard.push({ subject: message.subject, data: message.data }),
    });
  await nats.flush();

  const inFiles = async (forms: readonly Buffer[]): Promise<string[]> => {
    // The folder of the operator's file too.
    const home = path.dirname(system.dataDir);
    const found: string[] = [];
    for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      // One that is gone by now holds nothing.
      const bytes = await readFile(file).catch(() => Buffer.alloc(0));
      if (forms.some((form) => bytes.includes(form))) found.push(`file ${path.relative(home, file)}`);
    }
    return found;
  };

  const inTables = async (forms: readonly Buffer[]): Promise<string[]> => {
    const client = new pg.Client({ connectionString: system.databaseUrl });
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string }>(
        `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
          where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
      );
      const found: string[] = [];
      for (const { name } of rows) {
        const { rows: holding } = await client.query(
          `select 1 from ${name} as t where exists (select 1 from unnest($1::text[]) as form where position(form in t::text) > 0) limit 1`,
          [forms.map(String)],
        );
        if (holding.length > 0) found.push(`table ${name}`);
      }
      // What is in memory only goes to its files.
      await client.query('checkpoint');
      return found;
    } finally {
      await client.end();
    }
  };

  return {
    async find(word) {
      const forms = formsOf(word);
      const holds = (data: Uint8Array): boolean => forms.some((form) => Buffer.from(data).includes(form));
      const tables = await inTables(forms);
      return [
        ...tables,
        ...heard.filter(({ data }) => holds(data)).map(({ subject }) => `bus ${subject}`),
        ...(await inFiles(forms)),
        ...(traces.requests.some(({ body }) => holds(body)) ? ['traces'] : []),
      ];
    },
    close: () => nats.close(),
  };
};
