// Contracts of the small app that the tests run as a real process: one of each kind, on subjects of the real ones.
import { defineRpc, defineStream, principal, QUEUE_GROUPS, SUBJECTS } from '@waystation/contracts';
import { z } from 'zod';

const text = z.object({ text: z.string() });

/** Between services: bound to the method itself. */
export const Shout = defineRpc({
  name: 'test.shout',
  subject: SUBJECTS.routePlan,
  version: 1,
  queue: QUEUE_GROUPS.router,
  permission: 'service',
  idempotent: true,
  request: z.object({ text: z.string(), held: z.boolean().optional() }),
  reply: text,
});

/** A management call: through Nest, after the permission check. */
export const Rename = defineRpc({
  name: 'test.rename',
  subject: SUBJECTS.management('control', 'test', 'rename'),
  version: 1,
  queue: QUEUE_GROUPS.control,
  permission: 'keys:write',
  idempotent: true,
  request: z.object({ v: z.literal(1), principal, name: z.string() }),
  reply: z.object({ name: z.string(), by: z.string() }),
});

/** Sends the body back in pieces, as slowly as it is told. */
export const Repeat = defineStream({
  name: 'test.repeat',
  subjectOf: SUBJECTS.attemptRun,
  subjectAny: SUBJECTS.attemptRunAny,
  version: 1,
  queue: QUEUE_GROUPS.worker,
  permission: 'service',
  request: z.object({ pieces: z.number(), everyMs: z.number() }),
  end: z.object({ pieces: z.number() }),
});
