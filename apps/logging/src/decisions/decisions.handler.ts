// The management calls about routing decisions. Those of another workspace are as unknown as ones that were never kept.
import { setImmediate as turn } from 'node:timers/promises';
import { Controller, Inject } from '@nestjs/common';
import type { z } from 'zod';
import {
  LoggingDecisionGet,
  LoggingDecisionReplay,
  WaystationError,
  type DecisionDifference,
} from '@waystation/contracts';
import type { Database } from '@waystation/postgres';
import { againUnder, readPrices } from '@waystation/routing';
import { Handles } from '@waystation/runtime';
import { mayRead } from '../generations/generations.handler.js';
import { LOGGING_READER } from '../tokens.js';
import { PRESENT, type Present } from './present.js';
import { listDecisions, readDecision } from './read-decisions.js';

type GetRequest = z.infer<typeof LoggingDecisionGet.request>;
type ReplayRequest = z.infer<typeof LoggingDecisionReplay.request>;

/** Plans in a row before others get their turn. */
const PLANS_PER_TURN = 20;
/** The last moment that an id of ten digits can name, and that a date can hold. */
const TO_MAX_MS = 9_999_999_999_000;

@Controller()
export class DecisionsHandler {
  constructor(
    @Inject(LOGGING_READER) private readonly reader: Database,
    @Inject(PRESENT) private readonly present: Present,
  ) {}

  @Handles(LoggingDecisionGet)
  async get({ principal, workspaceId, generationId }: GetRequest): Promise<z.infer<typeof LoggingDecisionGet.reply>> {
    const decision = mayRead(principal, workspaceId)
      ? await readDecision(this.reader, workspaceId, generationId)
      : undefined;
    if (decision === undefined)
      throw new WaystationError('not_found', `No routing decision of generation ${generationId} was kept.`);
    return { decision };
  }

  @Handles(LoggingDecisionReplay)
  async replay({
    principal,
    workspaceId,
    from,
    to,
    limit,
    after,
    change,
  }: ReplayRequest): Promise<z.infer<typeof LoggingDecisionReplay.reply>> {
    if (!mayRead(principal, workspaceId)) throw new WaystationError('not_found', `Workspace ${workspaceId} not found.`);
    if (from >= to || to > TO_MAX_MS)
      throw new WaystationError('invalid_request', `to: Expected a time after from and before the year 2286`, {
        details: { field: 'to' },
      });
    const read = readPrices(change.prices);
    if ('fault' in read) throw new WaystationError('invalid_request', read.fault, { details: { field: 'prices' } });
    const world = change.against === 'present' ? this.present.world() : undefined;
    const again = againUnder(change, world, read.prices);
    const decisions = await listDecisions(this.reader, workspaceId, { from, to, limit, after });
    const rows: DecisionDifference[] = [];
    for (const decision of decisions) {
      rows.push(again(decision));
      if (rows.length % PLANS_PER_TURN === 0) await turn();
    }
    const last = rows.at(-1);
    return {
      rows,
      ...(rows.length === limit && last !== undefined ? { next: last.generationId } : {}),
      ...(world === undefined ? {} : { revision: world.catalog.revision }),
    };
  }
}
