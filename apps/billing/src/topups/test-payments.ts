// Payments for tests: the handler over a ledger and a stand-in of Stripe's API, and events as Stripe sends them.
import type { Bus } from '@waystation/bus';
import { createHealth, createMetrics } from '@waystation/runtime';
import { pino } from 'pino';
import type { TestLedger } from '../test-ledger.js';
import { createStripeGateway, type StripeGateway } from './stripe-gateway.js';
import { signedEvent, startStripeStandIn, WITHOUT_PAYMENTS, type StripeStandIn } from './stripe-stand-in.js';
import { TopUpsHandler } from './topups.handler.js';
import type { PaymentsConfig } from '../config.js';

export interface TestPayments {
  readonly stripe: StripeStandIn;
  readonly gateway: StripeGateway;
  readonly handler: TopUpsHandler;
  /** The handler where payments are configured otherwise. */
  handlerWith(config: PaymentsConfig, gateway: StripeGateway | undefined): TopUpsHandler;
  /** Sends a signed event and answers its outcome. */
  send(type: string, object: object, options?: Parameters<typeof signedEvent>[2]): Promise<string>;
  /** What was asked and made so far is forgotten, and nothing is at fault. */
  forget(): void;
}

export const startTestPayments = async (ledger: TestLedger): Promise<TestPayments> => {
  const stripe = await startStripeStandIn();
  const gateway = createStripeGateway(stripe.config);
  const handlerWith: TestPayments['handlerWith'] = (payments, its) => {
    const context = {
      name: 'billing',
      config: { writerUrl: ledger.writerUrl, readerUrl: ledger.readerUrl, payments },
      bus: {} as Bus,
      log: pino({ level: 'silent' }),
      metrics: createMetrics(),
      health: createHealth(),
      release: 'test',
      mode: 'development',
      scaleMs: (ms: number) => ms,
      stopping: new AbortController().signal,
    } as const;
    return new TopUpsHandler(context, ledger.writer, ledger.reader, its);
  };
  const handler = handlerWith({ ...WITHOUT_PAYMENTS, stripe: stripe.config }, gateway);
  return {
    ...{ stripe, gateway, handler, handlerWith },
    async send(type, object, options) {
      const { body, signature } = signedEvent(type, object, options);
      return (await handler.event({ v: 1, signature, body: body.toString('base64') })).outcome;
    },
    forget() {
      stripe.fault = undefined;
      stripe.chargeStatus = 'succeeded';
      stripe.asked.length = 0;
      stripe.made.length = 0;
    },
  };
};
