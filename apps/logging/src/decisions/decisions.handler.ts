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

/** Read and planned in a row before others get their turn: a decision may have hundreds of kilobytes. */
const DECISIONS_PER_TURN = 20;
/** Of the JSON of rows: an answer with more is sent as it is, and the next call goes on. What a turn adds fits into a message besides. */
const ANSWER_CHARACTERS = 262_144;
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
    const rows: DecisionDifference[] = [];
    let next = after;
    for (let characters = 0, isMore = true; isMore && rows.length < limit && characters < ANSWER_CHARACTERS;) {
      const wanted = Math.min(DECISIONS_PER_TURN, limit - rows.length);
      const decisions = await listDecisions(this.reader, workspaceId, { from, to, limit: wanted, after: next });
      const planned = decisions.map(again);
      rows.push(...planned);
      characters += JSON.stringify(planned).length;
      isMore = decisions.length === wanted;
      next = isMore ? planned.at(-1)?.generationId : undefined;
      await turn();
    }
    return {
      rows,
      ...(next === undefined ? {} : { next }),
      ...(world === undefined ? {} : { revision: world.catalog.revision }),
    };
  }
}
