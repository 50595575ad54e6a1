// /credits/…: buying credits, giving them back, buying them automatically, and grants by whoever runs the station. Billing decides all of it.
import { randomUUID } from 'node:crypto';
import { Controller, Get, Inject, Post, Put, Req, Res } from '@nestjs/common';
import {
  BillingAutotopupGet,
  BillingAutotopupPut,
  BillingCreditsGrant,
  BillingTopupCreate,
  BillingTopupGet,
  BillingTopupList,
  BillingTopupRefund,
  WaystationError,
} from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.js';
import { INGRESS, type Ingress } from '../ingress.js';
import { readAutoTopUp, readGrant, readRefund, readTopUp, requestIdOf } from '../management/read-payments.js';
import { autoTopUpInfo, topUpInfo } from '../management/topup-info.js';
import { callerOf } from './caller-of.js';
import { isOperator, workspaceOf } from './own-workspace.js';
import { sendJson, usd } from './send-json.js';

type OneTopUp = FastifyRequest<{ Params: { id: string } }>;
type List = FastifyRequest<{ Querystring: { offset?: unknown } }>;

/** Billing may have to ask the payment service. */
const ANSWER_MS = 25_000;
/** Where nothing is said: so many automatic top-ups a day. */
const DAILY_TOP_UPS = 5n;
const OFFSET_MAX = 1_000_000;

@Controller(['api/v1/credits', 'v1/credits'])
export class TopUpsController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Post('topups')
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const body = readTopUp(request.body);
    const { order } = await this.#bus.request(
      BillingTopupCreate,
      {
        ...asked(caller),
        workspaceId: workspaceOf(this.ingress, caller, body.workspace_id),
        requestId: requestIdOf(request.headers['idempotency-key'], body.id) ?? randomUUID(),
        credits: body.amount,
        currency: body.currency,
        savePaymentMethod: body.save_payment_method,
      },
      { timeoutMs: ANSWER_MS },
    );
    sendJson(reply, 201, { data: topUpInfo(order) });
  }

  @Get('topups')
  async list(@Req() request: List, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const { orders } = await this.#bus.request(BillingTopupList, {
      ...asked(caller),
      offset: offsetOf(request.query.offset),
    });
    sendJson(reply, 200, { data: orders.map(topUpInfo) });
  }

  @Get('topups/:id')
  async read(@Req() request: OneTopUp, @Res() reply: FastifyReply): Promise<void> {
    const { order } = await this.#bus.request(BillingTopupGet, {
      ...asked(callerOf(request)),
      orderId: orderIdOf(request),
    });
    sendJson(reply, 200, { data: topUpInfo(order) });
  }

  @Post('topups/:id/refunds')
  async refund(@Req() request: OneTopUp, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const { amount, reason, manual, id } = readRefund(request.body);
    const refundId = requestIdOf(request.headers['idempotency-key'], id) ?? missingId();
    const { order } = await this.#bus.request(
      BillingTopupRefund,
      {
        ...asked(caller),
        ...{ orderId: orderIdOf(request), refundId, manual, reason },
        ...(amount === undefined ? {} : { credits: amount }),
      },
      { timeoutMs: ANSWER_MS },
    );
    sendJson(reply, 200, { data: topUpInfo(order) });
  }

  @Get('auto-topup')
  async autoTopUp(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const state = await this.#bus.request(BillingAutotopupGet, asked(callerOf(request)));
    sendJson(reply, 200, { data: autoTopUpInfo(state) });
  }

  @Put('auto-topup')
  async setAutoTopUp(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    const { enabled, threshold, amount: credits, daily_max } = readAutoTopUp(request.body);
    const dailyMax = daily_max ?? (BigInt(credits) * DAILY_TOP_UPS).toString();
    const settings = { enabled, threshold, credits, dailyMax };
    const put = { ...asked(caller), settings };
    const state = await this.#bus.request(BillingAutotopupPut, put, { timeoutMs: ANSWER_MS });
    sendJson(reply, 200, { data: autoTopUpInfo(state) });
  }

  @Post('grants')
  async grant(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const caller = callerOf(request);
    if (!isOperator(caller))
      throw new WaystationError(
        'permission_denied',
        'Only keys of an operator grant credits; buy them with POST /credits/topups',
      );
    const body = readGrant(request.body);
    const grantId = requestIdOf(request.headers['idempotency-key'], body.id) ?? missingId();
    const workspaceId = workspaceOf(this.ingress, caller, body.workspace_id);
    const { balance } = await this.#bus.request(BillingCreditsGrant, {
      ...asked(caller),
      ...{ workspaceId, grantId, amount: body.amount, reason: body.reason },
      ...(body.expires_at === undefined ? {} : { expiresAt: body.expires_at }),
    });
    sendJson(reply, 201, {
      data: { id: grantId, workspace_id: workspaceId, amount: usd(body.amount), balance: usd(balance) },
    });
  }

  get #bus() {
    return this.ingress.context.bus;
  }
}

const asked = ({ principal, workspace }: Caller) => ({ v: 1, principal, workspaceId: workspace.id }) as const;

const missingId = (): never => {
  throw new WaystationError('invalid_request', 'Idempotency-Key: Required, so that a repetition has no second effect', {
    details: { field: 'Idempotency-Key' },
  });
};

const orderIdOf = ({ params }: OneTopUp): string => {
  if (params.id.length <= 64) return params.id;
  throw new WaystationError('not_found', 'Top-up not found');
};

const offsetOf = (named: unknown): number => {
  const offset = named === undefined ? 0 : Number(named);
  if (Number.isSafeInteger(offset) && offset >= 0 && offset <= OFFSET_MAX) return offset;
  throw new WaystationError('invalid_request', 'offset: Expected a non-negative integer', {
    details: { field: 'offset' },
  });
};
