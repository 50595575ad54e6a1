// Events of the payment service: public, since their signature is what is checked, and forwarded as the raw bytes that the signature is over.
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { BillingStripeEvent, WaystationError } from '@waystation/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { INGRESS, type Ingress } from '../ingress.js';
import { sendJson } from './send-json.js';

const SIGNATURE_CHARACTERS_MAX = 2_048;
/** The payment service waits longer and comes again. */
const ANSWER_MS = 10_000;

@Controller(['api/v1/webhooks', 'v1/webhooks'])
export class StripeWebhookController {
  constructor(@Inject(INGRESS) private readonly ingress: Ingress) {}

  @Post('stripe')
  async event(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { body } = request;
    const signature = request.headers['stripe-signature'];
    if (
      typeof signature !== 'string' ||
      signature.length > SIGNATURE_CHARACTERS_MAX ||
      !Buffer.isBuffer(body) ||
      body.length === 0
    ) {
      throw new WaystationError('invalid_request', 'Expected an event of Stripe with its Stripe-Signature header');
    }
    const event = { v: 1, signature, body: body.toString('base64') } as const;
    const { outcome } = await this.ingress.context.bus.request(BillingStripeEvent, event, { timeoutMs: ANSWER_MS });
    sendJson(reply, 200, { received: true, outcome });
  }
}
