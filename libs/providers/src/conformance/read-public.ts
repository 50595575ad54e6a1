// Reads what a client would: chunks or a body of the public chat dialect, as a plain parser of the wire shape understands them.
import type { Completion } from './fixture.js';

type Wire = Omit<Completion, 'usage' | 'usageSource' | 'upstreamId' | 'finishReason' | 'nativeFinishReason'> & {
  readonly heads: readonly {
    readonly id: unknown;
    readonly model: unknown;
    readonly provider: unknown;
    readonly object: unknown;
  }[];
  readonly finishWords: readonly [unknown, unknown][];
  readonly usages: readonly unknown[];
};

interface Message {
  content?: string | null;
  reasoning?: string | null;
  reasoning_content?: string | null;
  refusal?: string | null;
  tool_calls?: { index?: number; id?: string; function?: { name?: string; arguments?: string } }[];
}

interface Public {
  id?: unknown;
  model?: unknown;
  provider?: unknown;
  object?: unknown;
  usage?: unknown;
  choices: { delta?: Message; message?: Message; finish_reason?: unknown; native_finish_reason?: unknown }[];
}

const combine = (completions: readonly Public[]): Wire => {
  let text = '';
  let reasoning = '';
  let refusal = '';
  const tools: { id: string; name: string; arguments: string }[] = [];
  const finishWords: [unknown, unknown][] = [];
  for (const choice of completions.flatMap((each) => each.choices)) {
    const message = choice.delta ?? choice.message ?? {};
    text += message.content ?? '';
    reasoning += message.reasoning ?? message.reasoning_content ?? '';
    refusal += message.refusal ?? '';
    for (const [position, call] of (message.tool_calls ?? []).entries()) {
      const tool = (tools[call.index ?? position] ??= { id: '', name: '', arguments: '' });
      tool.id += call.id ?? '';
      tool.name += call.function?.name ?? '';
      tool.arguments += call.function?.arguments ?? '';
    }
    if (choice.finish_reason !== null && choice.finish_reason !== undefined)
      finishWords.push([choice.finish_reason, choice.native_finish_reason]);
  }
  return {
    text,
    ...(reasoning === '' ? {} : { reasoning }),
    ...(refusal === '' ? {} : { refusal }),
    ...(tools.length === 0 ? {} : { toolCalls: tools }),
    heads: completions.map(({ id, model, provider, object }) => ({ id, model, provider, object })),
    finishWords,
    usages: completions.flatMap(({ usage }) => (usage === undefined || usage === null ? [] : [usage])),
  };
};

/** @throws where the bytes are not exactly `data: <json>` and a blank line, again and again */
export const readPublicStream = (bytes: Buffer): Wire => {
  const text = bytes.toString('utf8');
  if (text !== '' && !text.endsWith('\n\n'))
    throw new Error(`the stream does not end with a whole event: …${text.slice(-60)}`);
  const events = text === '' ? [] : text.slice(0, -2).split('\n\n');
  return combine(
    events.map((event) => {
      if (!event.startsWith('data: {') || event.includes('\n'))
        throw new Error(`not one data line: ${event.slice(0, 80)}`);
      return JSON.parse(event.slice(6)) as Public;
    }),
  );
};

export const readPublicBody = (bytes: Buffer): Wire => combine([JSON.parse(bytes.toString('utf8')) as Public]);
