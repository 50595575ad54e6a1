// The pieces of applications as they are built: see parts.ts. To be asked for after a build.
import type { Parts } from './parts.ts';

const built = (file: string): Promise<unknown> => import(new URL(`../../apps/${file}`, import.meta.url).href);

export const builtParts = async (): Promise<Parts> =>
  Object.assign(
    {},
    ...(await Promise.all(
      [
        'ingress/dist/attempt/next-step.js',
        'ingress/dist/attempt/retry-budget.js',
        'worker/dist/health/endpoint-health.js',
        'sandbox/dist/script/script.js',
        'sandbox/dist/reply/plan-reply.js',
        'sandbox/dist/reply/prompt-cache.js',
      ].map(built),
    )),
    {
      sandboxDialect: (
        (await built('sandbox/dist/dialects/openai-chat/openai-chat.js')) as { openaiChat: Parts['sandboxDialect'] }
      ).openaiChat,
    },
  ) as Parts;
