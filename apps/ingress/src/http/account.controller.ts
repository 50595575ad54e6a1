// What a key may learn about itself, its workspace's credits and its generations.
import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import {
  BillingCreditsGet,
  BillingGenerationExplain,
  BillingKeyUsage,
  LoggingGenerationGet,
  toWaystationError,
  type GenerationRecorded,
  type LimitSpec,
} from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.js';
import { INGRESS, type Ingress } from '../ingress.js';
import { NOTHING_BOOKED, type Booked } from '../management/charge-info.js';
import { generationInfo } from '../management/generation-info.js';
import { budgetInfo } from '../management/guardrail-info.js';
import { ownKeyInfo } from '../management/key-info.js';
import { limitDesk, limitsOfKey } from '../management/limit-desk.js';
import { limitInfo } from '../management/limit-info.js';
import { callerOf } from './caller-of.js';
import { generationIdOf, lookForFresh, unknownGeneration } from './look-for-fresh.js';
import { sendJson, usd } from './send-json.js';

/** For billing to say what it booked. */
const EXPLAIN_WITHIN_MS = 1_000;

@Controller(['api/v1', 'v1'])
export class AccountController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Get(['key', 'auth/key'])
  async key(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const { key, principal, workspace } = caller;
    const { bus } = this.ingress.context;
    const limits = limitsOfKey(key, workspace.limits ?? []);
    // What others use is not for a key to know.
    const desk = limitDesk(bus, caller, Date.now());
    const useOf = await desk.usesOf(limits.filter(isOfKey));
    const budgets = caller.guardrailBudgets();
    const spent = await desk.budgetUses(budgets);
    const { keys } = await bus.request(BillingKeyUsage, {
      v: 1,
      principal,
      workspaceId: key.workspaceId,
      hashes: [key.hash],
    });
    const shown = [
      ...limits.map((limit) => limitInfo(limit, isOfKey(limit) ? useOf(limit) : undefined)),
      ...budgets.map((budget, each) => budgetInfo(budget, spent[each])),
    ];
    sendJson(reply, 200, { data: { ...ownKeyInfo(key, keys[0]), limits: shown } });
  }

  @Get('credits')
  async credits(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { workspace, principal } = callerOf(request);
    const { purchased, used } = await this.ingress.context.bus.request(BillingCreditsGet, {
      v: 1,
      principal,
      workspaceId: workspace.id,
    });
    sendJson(reply, 200, { data: { total_credits: usd(purchased), total_usage: usd(used) } });
  }

  @Get('generation')
  async generation(
    @Req() request: FastifyRequest<{ Querystring: { id?: unknown } }>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const id = generationIdOf(request.query.id);
    const caller = callerOf(request);
    const record = await this.#find(caller, id);
    const booked = await this.#bookedOf(caller, id, record);
    if (record === undefined && booked.charges.length === 0) throw unknownGeneration(id);
    const shown = { generationId: id, workspaceId: caller.workspace.id, record };
    sendJson(reply, 200, { data: generationInfo(shown, booked) });
  }

  /** Its record; undefined where there is none, be it that nobody ever heard of it or that its ingress was lost. */
  #find({ principal, workspace }: Caller, generationId: string): Promise<GenerationRecorded | undefined> {
    return lookForFresh(generationId, async () => {
      const asked = { v: 1, principal, workspaceId: workspace.id, generationId } as const;
      return (await this.ingress.context.bus.request(LoggingGenerationGet, asked)).generation;
    });
  }

  /**
   * What billing has booked by now: nobody waits for a settlement here. Where billing cannot be asked, a generation whose cost the trail knows is shown without;
   * one whose cost only billing can know is not shown as free, nor as unknown.
   */
  async #bookedOf(
    { principal, workspace }: Caller,
    generationId: string,
    record: GenerationRecorded | undefined,
  ): Promise<Booked> {
    return this.ingress.context.bus
      .request(
        BillingGenerationExplain,
        { v: 1, principal, workspaceId: workspace.id, generationId },
        { timeoutMs: EXPLAIN_WITHIN_MS },
      )
      .catch((thrown: unknown) => {
        const error = toWaystationError(thrown);
        if (record?.usage === undefined && error.code !== 'not_found') throw error;
        return NOTHING_BOOKED;
      });
  }
}

const isOfKey = ({ scope }: LimitSpec): boolean => scope === 'key' || scope === 'member';
