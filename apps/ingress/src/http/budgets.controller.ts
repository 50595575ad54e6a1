// /workspaces/{id}/budgets as the reference has them: the money limits of the workspace itself, one an interval.
// https://openrouter.ai/docs/api-reference/workspaces
import { hash } from 'node:crypto';
import { Controller, Delete, Get, Inject, Put, Req, Res } from '@nestjs/common';
import {
  WaystationError,
  toWaystationError,
  uuidOfDigest,
  type LimitName,
  type LimitSpec,
} from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { limitDesk, type ListedLimit } from '../management/limit-desk.js';
import { readBudget } from '../management/read-limit.js';
import { callerOf } from './caller-of.js';
import { ownWorkspace } from './own-workspace.js';
import { sendJson, usd } from './send-json.js';

type OneWorkspace = FastifyRequest<{ Params: { id: string } }>;
type OneBudget = FastifyRequest<{ Params: { id: string; interval: string } }>;

const WINDOWS: Readonly<Record<string, LimitSpec['window']>> = {
  daily: 'day',
  weekly: 'week',
  monthly: 'month',
  lifetime: 'lifetime',
};
const INTERVALS = new Map(Object.entries(WINDOWS).map(([interval, window]) => [window, interval]));

const isBudget = ({ scope, metric, window }: LimitSpec): boolean =>
  scope === 'workspace' && metric === 'usd' && INTERVALS.has(window);

/** Stable, in the form of a UUID: a budget is named by its workspace and interval. */
const idOf = (workspaceId: string, window: string): string =>
  uuidOfDigest(hash('sha256', `budget ${workspaceId} ${window}`, 'hex'));

const budgetInfo = (workspaceId: string, budget: ListedLimit) => ({
  id: idOf(workspaceId, budget.window),
  workspace_id: workspaceId,
  limit_usd: usd(budget.limit),
  reset_interval: budget.window === 'lifetime' ? null : INTERVALS.get(budget.window),
  created_at: new Date(budget.createdAt).toISOString(),
  updated_at: new Date(budget.updatedAt).toISOString(),
});

@Controller(['api/v1/workspaces/:id/budgets', 'v1/workspaces/:id/budgets'])
export class BudgetsController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get()
  async list(@Req() request: OneWorkspace, @Res() reply: FastifyReply): Promise<void> {
    const { workspaceId, desk } = this.#at(request);
    const budgets = (await desk.list()).filter(isBudget);
    sendJson(reply, 200, {
      data: budgets.map((budget) => budgetInfo(workspaceId, budget)),
      include_byok_in_budgets: countsByok(budgets),
    });
  }

  @Get(':interval')
  async read(@Req() request: OneBudget, @Res() reply: FastifyReply): Promise<void> {
    const { workspaceId, desk } = this.#at(request);
    const budgets = (await desk.list()).filter(isBudget);
    sendJson(reply, 200, {
      data: budgetInfo(workspaceId, budgetOf(budgets, windowOf(request))),
      include_byok_in_budgets: countsByok(budgets),
    });
  }

  /** Whether own keys count is one setting of all budgets of a workspace. */
  @Put(':interval')
  async put(@Req() request: OneBudget, @Res() reply: FastifyReply): Promise<void> {
    const { workspaceId, desk } = this.#at(request);
    const window = windowOf(request);
    const { limit, includeByok } = readBudget(request.body);
    const budgets = (await desk.list()).filter(isBudget);
    const flag = includeByok ?? countsByok(budgets);
    const others = flag === countsByok(budgets) ? [] : budgets.filter((budget) => budget.window !== window);
    const set: LimitSpec[] = [...others, { ...nameOf(window), limit }].map(
      ({ scope, metric, window: of, limit: most }) => ({
        ...{ scope, metric, window: of, limit: most, includeByok: flag },
      }),
    );
    const after = (await desk.put(set, 'limit_usd')).filter(isBudget);
    sendJson(reply, 200, {
      data: budgetInfo(workspaceId, budgetOf(after, window)),
      include_byok_in_budgets: flag,
    });
  }

  /** As the reference has it, a budget that is not there is deleted. */
  @Delete(':interval')
  async remove(@Req() request: OneBudget, @Res() reply: FastifyReply): Promise<void> {
    const { desk } = this.#at(request);
    await desk.remove(nameOf(windowOf(request))).catch((thrown: unknown) => {
      if (toWaystationError(thrown).code !== 'not_found') throw thrown;
    });
    sendJson(reply, 200, { deleted: true });
  }

  #at(request: OneWorkspace) {
    const caller = callerOf(request);
    ownWorkspace(caller, request.params.id);
    return { workspaceId: caller.workspace.id, desk: limitDesk(this.ingress.context.bus, caller, Date.now()) };
  }
}

const nameOf = (window: LimitSpec['window']): LimitName => ({ scope: 'workspace', metric: 'usd', window });

const countsByok = (budgets: readonly LimitSpec[]): boolean => budgets.some(({ includeByok }) => includeByok === true);

const windowOf = ({ params }: OneBudget): LimitSpec['window'] => {
  const window = Object.hasOwn(WINDOWS, params.interval) ? WINDOWS[params.interval] : undefined;
  if (window === undefined)
    throw new WaystationError('invalid_request', "interval: Expected 'daily' | 'weekly' | 'monthly' | 'lifetime'", {
      details: { field: 'interval' },
    });
  return window;
};

const budgetOf = (budgets: readonly ListedLimit[], window: LimitSpec['window']): ListedLimit => {
  const found = budgets.find((budget) => budget.window === window);
  if (found === undefined)
    throw new WaystationError('not_found', `There is no ${INTERVALS.get(window) ?? window} budget.`);
  return found;
};
