// Routing decisions: why a generation was routed as it was, and what would have been chosen under other circumstances. Ours; the reference shows less of the first and
// has nothing like the second.
import { Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import {
  DECISIONS_PER_CALL_MAX,
  LoggingDecisionGet,
  LoggingDecisionReplay,
  type DecisionDifference,
} from '@waystation/contracts';
import { DIFFERENCES_CSV_HEAD, differencesCsv } from '@waystation/routing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.js';
import { INGRESS, type Ingress } from '../ingress.js';
import { decisionInfo, differencesInfo } from '../management/decision-info.js';
import { readReplay, type Replay } from '../management/read-replay.js';
import { callerOf } from './caller-of.js';
import { generationIdOf, lookForFresh, unknownGeneration } from './look-for-fresh.js';
import { workspaceOf } from './own-workspace.js';
import { sendJson } from './send-json.js';

const ASK_MS = 60_000;

@Controller(['api/v1', 'v1'])
export class DecisionsController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get('generation/decision')
  async decision(
    @Req() request: FastifyRequest<{ Querystring: { id?: unknown } }>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const generationId = generationIdOf(request.query.id);
    const { principal, workspace } = callerOf(request);
    const found = await lookForFresh(generationId, () =>
      this.ingress.context.bus.request(LoggingDecisionGet, {
        v: 1,
        principal,
        workspaceId: workspace.id,
        generationId,
      }),
    );
    if (found === undefined) throw unknownGeneration(generationId);
    sendJson(reply, 200, { data: decisionInfo(found.decision) });
  }

  @Post('decisions/replay')
  @HttpCode(200)
  async replay(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const asked = readReplay(request.body);
    const { rows, next, revision } = await this.#plannedAgain(caller, asked);
    if (asked.format === 'json') return sendJson(reply, 200, { data: differencesInfo(rows, next, revision) });
    void reply
      .code(200)
      .headers({
        'content-type': 'text/csv; charset=utf-8',
        'content-disposition': 'attachment; filename="decisions.csv"',
        'cache-control': 'no-store',
        'access-control-allow-origin': '*',
        'x-request-id': request.id,
        ...(next === undefined ? {} : { 'x-next': next }),
      })
      .send(DIFFERENCES_CSV_HEAD + differencesCsv(rows));
  }

  /** Page after page, so that neither a message nor the process that plans is held up. */
  async #plannedAgain(caller: Caller, { workspace, from, to, limit, after, change }: Replay) {
    const workspaceId = workspaceOf(this.ingress, caller, workspace);
    const rows: DecisionDifference[] = [];
    for (let at = after; ;) {
      const page = await this.ingress.context.bus.request(
        LoggingDecisionReplay,
        {
          ...{ v: 1, principal: caller.principal, workspaceId, from, to, change },
          limit: Math.min(DECISIONS_PER_CALL_MAX, limit - rows.length),
          ...(at === undefined ? {} : { after: at }),
        },
        { timeoutMs: ASK_MS },
      );
      rows.push(...page.rows);
      at = page.next;
      if (at === undefined || rows.length >= limit) return { rows, next: at, revision: page.revision };
    }
  }
}
