// Plays one stream: tokens in order, at the script's pace, with the script's fault at the script's token. Tells the truth log of each token
// before it is written, so that what was written was counted.
import type { ServerResponse } from 'node:http';
import type { StreamEncoder } from '../dialects/dialect.js';
import type { Reply } from '../reply/plan-reply.js';
import { countTokens, tokenAt } from '../reply/tokens.js';
import type { Script } from '../script/script.js';
import { breakConnection } from './break-connection.js';
import { createOutlet } from './outlet.js';
import { sleep } from './sleep.js';

/** Text gathered before a write when there is no pace to keep. */
const BATCH_UNITS = 16_384;
const LATE_USAGE_MS = 300;

/** How the stream ended; `gone`: the client left. */
export type StreamEnd = 'completed' | 'gone' | 'failed' | 'stalled';

interface Section {
  readonly before?: () => string;
  readonly text: string;
  readonly encode: (token: string) => string;
}

const sectionsOf = (reply: Reply, encoder: StreamEncoder): Section[] => {
  const sections: Section[] = [
    { text: reply.reasoning, encode: encoder.reasoning },
    { text: reply.text, encode: encoder.text },
  ];
  for (const toolCall of reply.toolCalls) {
    sections.push({
      before: () => encoder.toolCallStart(toolCall),
      text: toolCall.argumentsJson,
      encode: encoder.toolCallArguments,
    });
  }
  return sections;
};

export const playStream = async (
  response: ServerResponse,
  encoder: StreamEncoder,
  binary: boolean,
  reply: Reply,
  script: Script,
  produced: (tokens: number) => void,
): Promise<StreamEnd> => {
  const outlet = createOutlet(response, script.wire, binary);
  const failAt = script.fail === undefined || script.fail === 'no-finish' ? undefined : script.afterTokens;
  let pending = failAt === 0 ? '' : encoder.start();
  let tokens = 0;
  let nextAt = performance.now() + script.delayMs;

  const flush = async (): Promise<void> => {
    const events = pending;
    pending = '';
    if (events !== '') await outlet.write(events);
  };
  const pace = async (): Promise<void> => {
    const waitMs = nextAt - performance.now();
    nextAt += script.tokenDelayMs;
    if (waitMs <= 0) return;
    await flush();
    await sleep(response, waitMs);
  };
  const fail = async (): Promise<StreamEnd> => {
    if (typeof script.fail === 'number') {
      pending += encoder.error(script.fail);
      await flush();
      response.end();
      return 'failed';
    }
    await flush();
    if (script.fail === 'stall' || script.fail === 'hang') return 'stalled';
    breakConnection(response, script);
    return 'failed';
  };

  for (const section of sectionsOf(reply, encoder)) {
    if (section.before !== undefined) pending += section.before();
    const count = countTokens(section.text);
    for (let index = 0; index < count; index += 1) {
      if (tokens === failAt) return fail();
      if (script.delayMs > 0 || script.tokenDelayMs > 0) await pace();
      if (response.closed) return 'gone';
      tokens += 1;
      produced(tokens);
      pending += section.encode(tokenAt(section.text, index));
      if (pending.length >= BATCH_UNITS) await flush();
    }
  }
  if (failAt !== undefined) return fail();
  if (script.fail === 'no-finish') {
    await flush();
    response.end();
    return 'failed';
  }
  pending += encoder.finish(reply.finish);
  if (script.usage === 'late') {
    await flush();
    await sleep(response, LATE_USAGE_MS);
  }
  pending += encoder.usage() + encoder.end();
  await flush();
  if (response.closed) return 'gone';
  response.end();
  return 'completed';
};
