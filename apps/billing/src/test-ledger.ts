// A billing database of its own for one test file, and money lines as ingress and worker write them.
import { createHash, randomBytes } from 'node:crypto';
import type { ConsumedLine } from '@waystation/bus';
import { priceVersionOf } from '@waystation/catalog';
import {
  attemptIdOf,
  newGenerationId,
  type AttemptFinished,
  type GenerationFinished,
  type Identity,
  type MoneyLine,
  type PriceVector,
} from '@waystation/contracts';
import { migrate, openDatabase, provisionRoles, type Database } from '@waystation/postgres';
import { migrations } from './app.js';

export interface TestLedger {
  readonly writer: Database;
  readonly reader: Database;
  /** The superuser: past every role. */
  readonly admin: Database;
  asAdmin<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  readonly writerUrl: string;
  readonly readerUrl: string;
  drop(): Promise<void>;
}

const ROLES = ['owner', 'writer', 'reader'] as const;

/** `database` is a fresh one, with its superuser's URL. */
export const testLedger = async (database: {
  readonly adminUrl: string;
  drop(): Promise<void>;
}): Promise<TestLedger> => {
  const suffix = randomBytes(4).toString('hex');
  const urlOf = (role: (typeof ROLES)[number]): string => {
    const url = new URL(database.adminUrl);
    [url.username, url.password] = [`billing_${role}_${suffix}`, 'secret'];
    return url.href;
  };
  const urls = { owner: urlOf('owner'), writer: urlOf('writer'), reader: urlOf('reader') };
  await provisionRoles({ adminUrl: database.adminUrl, schema: 'billing', urls });
  await migrate({ ownerUrl: urls.owner, schema: 'billing', migrations });
  const open = (url: string): Promise<Database> =>
    openDatabase({
      url,
      schema: 'billing',
      applicationName: 'billing-itest',
      poolMax: 8,
      statementTimeoutMs: 60_000,
    });
  const [writer, reader, admin] = await Promise.all([open(urls.writer), open(urls.reader), open(database.adminUrl)]);
  return {
    writer,
    reader,
    admin,
    asAdmin: (sql, values) => admin.query(sql, values),
    writerUrl: urls.writer,
    readerUrl: urls.reader,
    async drop() {
      await Promise.all([writer.close(), reader.close()]);
      for (const role of ROLES) await admin.query(`drop owned by billing_${role}_${suffix} cascade`);
      for (const role of ROLES) await admin.query(`drop role billing_${role}_${suffix}`);
      await admin.close();
      await database.drop();
    },
  };
};

export const sha256hex = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
/** One picodollar a token. */
export const PRICE: PriceVector = { perUnit: { input: '1', output: '1' } };
export const KEY_HASH = 'a'.repeat(64);

export interface LineOptions {
  readonly generationId?: string;
  readonly workspaceId?: string;
  readonly keyHash?: string;
  readonly endUserId?: string;
  readonly memberId?: string;
  readonly sessionId?: string;
  readonly app?: Identity['app'];
  readonly tags?: Identity['tags'];
  readonly provider?: string;
  readonly leaseId?: string | undefined;
  readonly hold?: bigint;
  readonly quotaSet?: readonly string[];
  readonly at?: number;
  readonly deadlineAt?: number;
  readonly price?: PriceVector;
  readonly byok?: boolean;
  readonly surchargePpm?: number;
}

export const newGeneration = (atMs = Date.now()): string => newGenerationId(atMs, randomBytes);

/** What all lines of an attempt say alike. */
const attemptFields = (options: LineOptions, generationId: string, ordinal: number) => {
  const { workspaceId = 'ws', provider = 'sandbox', leaseId, hold = 1_000n, at = Date.now(), price = PRICE } = options;
  return {
    attemptId: attemptIdOf(generationId, ordinal),
    provider,
    endpointId: `${provider}:echo`,
    model: 'sandbox/echo',
    ...(leaseId === undefined ? {} : { leaseId }),
    holdPicodollars: hold.toString(),
    quotaSet: [...(options.quotaSet ?? [`wallet:${workspaceId}`])],
    priceVersion: priceVersionOf(price, sha256hex),
    price,
    byok: options.byok ?? false,
    ...(options.surchargePpm === undefined ? {} : { surchargePpm: options.surchargePpm }),
    deadlineAt: options.deadlineAt ?? at + 60_000,
  };
};

const identityOf = (options: LineOptions): Identity => {
  const { workspaceId = 'ws', keyHash = KEY_HASH, endUserId, memberId, sessionId, app, tags } = options;
  return {
    workspaceId,
    keyHash,
    ...(memberId === undefined ? {} : { memberId }),
    ...(endUserId === undefined ? {} : { endUserId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(app === undefined ? {} : { app }),
    ...(tags === undefined ? {} : { tags }),
  };
};

type Summary = GenerationFinished['attempts'][number];

/** A generation as the ingress closes it: one attempt for each given part; the last one served, where any did. */
export const generationFinished = (
  options: LineOptions,
  ...parts: readonly (Partial<Summary> & { readonly served?: boolean; readonly continued?: boolean })[]
): GenerationFinished => {
  const { generationId = newGeneration(options.at), at = Date.now() } = options;
  const attempts = (parts.length === 0 ? [{}] : parts).map((part, ordinal) => ({
    ...attemptFields({ ...options, at }, generationId, ordinal),
    ...{
      dispatched: true,
      outcome: 'completed' as const,
      usage: { input: 10, output: 20 },
      usageSource: 'provider' as const,
    },
    ...part,
  }));
  const servedBy =
    parts.length === 0 ? attempts[0] : attempts.filter((_, index) => parts[index]?.served !== false).at(-1);
  const brokenOff = attempts.find((_, index) => parts[index]?.continued === true);
  return {
    ...{ kind: 'generation.finished', v: 1, at, ingress: 'ingress-1', generationId, identity: identityOf(options) },
    outcome: servedBy?.outcome ?? 'failed-before-output',
    ...(servedBy === undefined ? {} : { servedBy: servedBy.attemptId }),
    ...(brokenOff === undefined ? {} : { continuedFrom: brokenOff.attemptId }),
    attempts,
  };
};

export const attemptStarted = (options: LineOptions & { readonly generationId: string }, ordinal = 0): MoneyLine => ({
  ...{
    kind: 'attempt.started',
    v: 1,
    at: options.at ?? Date.now(),
    worker: 'worker-1',
    generationId: options.generationId,
  },
  identity: identityOf(options),
  ...attemptFields(options, options.generationId, ordinal),
});

export const attemptProgressed = (
  generationId: string,
  sequence: number,
  usage: Record<string, number>,
  hold?: bigint,
): MoneyLine => ({
  ...{
    kind: 'attempt.progressed',
    v: 1,
    at: Date.now(),
    generationId,
    attemptId: attemptIdOf(generationId, 0),
    sequence,
  },
  ...(hold === undefined ? {} : { holdPicodollars: hold.toString() }),
  ...{ usage, usageSource: 'estimated' },
});

export const attemptFinished = (
  options: LineOptions & { readonly generationId: string },
  part: Partial<AttemptFinished> = {},
  ordinal = 0,
): AttemptFinished => ({
  ...{
    kind: 'attempt.finished',
    v: 1,
    at: options.at ?? Date.now(),
    worker: 'worker-1',
    generationId: options.generationId,
  },
  identity: identityOf(options),
  ...attemptFields(options, options.generationId, ordinal),
  ...{ outcome: 'completed', usage: { input: 10, output: 20 }, usageSource: 'provider' },
  ...part,
});

let sequence = 0;
/** Lines as the consumer hands them over, in one message. */
export const delivered = (...lines: readonly unknown[]): ConsumedLine[] => {
  sequence += 1;
  return lines.map((line, index) => ({ line, position: `${sequence}/${index}`, instance: 'ingress-1', deliveries: 1 }));
};
