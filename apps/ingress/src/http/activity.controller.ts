// /activity and /analytics: what a workspace used, for its management keys. Billing sums up; here stand only the shapes of the reference API.
import { Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { BillingUsageQuery, WaystationError } from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.js';
import { INGRESS, type Ingress } from '../ingress.js';
import { SUBJECTS, activityItem, readActivityQuery, type ActivityQuery } from '../management/activity-info.js';
import { ANALYTICS_META, analyticsRow, readAnalyticsQuery } from '../management/analytics-info.js';
import { callerOf } from './caller-of.js';
import { sendJson } from './send-json.js';

type Asked = FastifyRequest<{ Querystring: Readonly<Record<string, unknown>> }>;

/** A day is one question, so that neither a message nor a statement grows with the month. */
const DAYS_AT_ONCE = 4;
const ROWS_MAX = 2_000;
const ASK_MS = 60_000;
const DAY_MS = 86_400_000;

@Controller(['api/v1', 'v1'])
export class ActivityController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get('activity')
  async activity(@Req() request: Asked, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const query = readActivityQuery(request.query, caller.workspace, Date.now());
    const days = await this.#eachDay(query.days, (day) => this.#itemsOf(caller, query, day));
    sendJson(reply, 200, { data: days.flat() });
  }

  @Get('analytics/meta')
  meta(@Req() request: Asked, @Res() reply: FastifyReply): void {
    callerOf(request);
    sendJson(reply, 200, { data: ANALYTICS_META });
  }

  @Post('analytics/query')
  @HttpCode(200)
  async query(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const begunMs = performance.now();
    const { principal, workspace } = callerOf(request);
    const asked = readAnalyticsQuery(request.body, Date.now());
    const { rows, truncated } = await this.#bus.request(
      BillingUsageQuery,
      { v: 1, principal, workspaceId: workspace.id, ...asked.query },
      { timeoutMs: ASK_MS },
    );
    sendJson(reply, 200, {
      data: {
        data: rows.map((row) => analyticsRow(asked, row)),
        metadata: {
          query_time_ms: Math.round(performance.now() - begunMs),
          row_count: rows.length,
          truncated,
        },
      },
    });
  }

  get #bus() {
    return this.ingress.context.bus;
  }

  async #itemsOf({ principal, workspace }: Caller, query: ActivityQuery, day: number): Promise<unknown[]> {
    const { rows, truncated } = await this.#bus.request(
      BillingUsageQuery,
      {
        v: 1,
        principal,
        workspaceId: workspace.id,
        from: day,
        to: day + DAY_MS,
        groupBy: ['day', 'model', 'endpoint', 'provider', ...(query.by === undefined ? [] : [SUBJECTS[query.by]])],
        filters: [...query.filters],
        limit: ROWS_MAX,
      },
      { timeoutMs: ASK_MS },
    );
    if (truncated)
      throw new WaystationError(
        'unprocessable',
        `More than ${ROWS_MAX} rows on ${new Date(day).toISOString().slice(0, 10)}; ask for one key, member, app, end user or tag.`,
      );
    const { providers } = this.ingress.catalog.current ?? { providers: undefined };
    return rows.map((row) =>
      activityItem(
        row,
        (slug) => providers?.get(slug)?.name ?? slug,
        query.byWorkspace ? workspace.id : undefined,
        query.by,
      ),
    );
  }

  /** In the order of `days`, a few at a time. */
  async #eachDay<Item>(days: readonly number[], ask: (day: number) => Promise<Item>): Promise<Item[]> {
    const answers: Item[] = [];
    for (let at = 0; at < days.length; at += DAYS_AT_ONCE)
      answers.push(...(await Promise.all(days.slice(at, at + DAYS_AT_ONCE).map(ask))));
    return answers;
  }
}
