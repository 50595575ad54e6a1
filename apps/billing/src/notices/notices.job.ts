// Delivers notices to control, in order and until it has taken them. A notice may come twice there and changes nothing the second time.
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ControlAuditAppend, ControlWorkspaceSuspend, toWaystationError, type Principal } from '@waystation/contracts';
import type { Bus } from '@waystation/bus';
import type { Database } from '@waystation/postgres';
import { APP_CONTEXT, type AppContext } from '@waystation/runtime';
import type { BillingConfig } from '../config.js';
import { repeat, type Repetition } from '../repeat.js';
import { BILLING_WRITER } from '../tokens.js';
import { claimNotices, removeNotice, type StoredNotice } from './notice-rows.js';

const EVERY_MS = 1_000;
const BATCH_MAX = 10;
/** All of a batch within the time that a transaction may be idle. */
const ANSWER_MS = 2_000;

const BILLING_PRINCIPAL: Principal = { kind: 'service', permissions: ['service'] };

const deliver = async (bus: Bus, { id, body }: StoredNotice): Promise<void> => {
  const { workspaceId } = body;
  const told = { v: 1, principal: BILLING_PRINCIPAL, workspaceId } as const;
  if (body.kind === 'suspension') {
    const { suspended, reason } = body;
    await bus.request(ControlWorkspaceSuspend, { ...told, suspended, reason }, { timeoutMs: ANSWER_MS });
    return;
  }
  const { actor, action, subject, detail } = body;
  const record = { ...told, noticeId: `billing-${id}`, actor, action, subject, detail };
  await bus.request(ControlAuditAppend, record, { timeoutMs: ANSWER_MS });
};

/** Answers how many were delivered. A workspace that control does not have needs no telling. */
export const deliverNotices = (database: Database, bus: Bus): Promise<number> =>
  database.transaction(async (runner) => {
    const notices = await claimNotices(runner, BATCH_MAX);
    let delivered = 0;
    for (const notice of notices) {
      try {
        await deliver(bus, notice);
      } catch (error) {
        if (toWaystationError(error).code !== 'not_found') {
          if (delivered === 0) throw error;
          return delivered;
        }
      }
      await removeNotice(runner, notice.id);
      delivered += 1;
    }
    return delivered;
  });

@Injectable()
export class NoticesJob implements OnApplicationBootstrap, OnApplicationShutdown {
  #repeated: Repetition | undefined;

  constructor(
    @Inject(APP_CONTEXT) private readonly context: AppContext<BillingConfig>,
    @Inject(BILLING_WRITER) private readonly database: Database,
  ) {}

  onApplicationBootstrap(): void {
    this.#repeated = repeat(
      this.context.scaleMs(EVERY_MS),
      () => deliverNotices(this.database, this.context.bus),
      this.context.log,
      'control does not take notices for now; they are kept and told again',
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#repeated?.stop();
  }
}
