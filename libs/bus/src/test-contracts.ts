// Contracts that exist only for the bus's own tests.
import {
  QUEUE_GROUPS,
  SUBJECTS,
  defineRpc,
  defineSignal,
  defineStream,
  type SignalContract,
} from '@waystation/contracts';
import { z } from 'zod';

export const Echo = defineRpc({
  name: 'test.echo',
  subject: SUBJECTS.management('control', 'test', 'echo'),
  version: 1,
  queue: QUEUE_GROUPS.control,
  permission: 'service',
  idempotent: true,
  request: z.object({ v: z.literal(1), text: z.string().max(1_000_000) }),
  reply: z.object({ text: z.string(), by: z.string() }),
});

/** The same subject as the next version of our software would speak it. */
export const EchoNext = defineRpc({
  ...Echo,
  version: 2,
  request: z.object({ v: z.literal(2), text: z.string() }),
  reply: Echo.reply,
});

export const Pour = defineStream({
  name: 'test.pour',
  subjectOf: SUBJECTS.attemptRun,
  subjectAny: SUBJECTS.attemptRunAny,
  version: 1,
  queue: QUEUE_GROUPS.worker,
  permission: 'service',
  request: z.object({
    v: z.literal(1),
    how: z.string().max(64),
    bytes: z.number().int().min(0).optional(),
    skipInstances: z.array(z.string()).max(8).optional(),
  }),
  end: z.object({ said: z.string(), totalBytes: z.number().int().optional() }),
});

export const Wave: SignalContract<{ v: 1; count: number }> = defineSignal({
  name: 'test.wave',
  subjectOf: SUBJECTS.health,
  subjectAny: SUBJECTS.healthAny,
  version: 1,
  message: z.object({ v: z.literal(1), count: z.number().int() }),
});
