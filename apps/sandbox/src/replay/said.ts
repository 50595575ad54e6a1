// What an answer says, in words that every dialect shares: so that events, recordings and what a client read can be compared.
import { inputTokens, outputTokens, type GenerationEvent, type Usage } from '@waystation/generation';

export interface SaidCall {
  readonly id: string;
  readonly name: string;
  /** Parsed; as text where it is no JSON. */
  readonly arguments: unknown;
}

export interface Said {
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly SaidCall[];
  /** Signatures and encrypted reasoning, in order. */
  readonly seals: readonly string[];
  readonly finish: string;
  readonly usage: SaidUsage;
}

export interface SaidUsage {
  readonly input: number;
  readonly cacheRead: number;
  readonly output: number;
  /** Undefined where the dialect does not tell it apart. */
  readonly reasoning?: number | undefined;
}

export const argumentsOf = (json: string): unknown => {
  try {
    return json === '' ? {} : (JSON.parse(json) as unknown);
  } catch {
    return json;
  }
};

export const saidUsage = (usage: Usage): SaidUsage => ({
  input: inputTokens(usage),
  cacheRead: usage['cacheRead'] ?? 0,
  output: outputTokens(usage),
  reasoning: usage['reasoning'] ?? 0,
});

const joined = <T extends GenerationEvent['type']>(
  events: readonly GenerationEvent[],
  type: T,
  of: (event: Extract<GenerationEvent, { type: T }>) => string,
): string =>
  events
    .filter((event): event is Extract<GenerationEvent, { type: T }> => event.type === type)
    .map(of)
    .join('');

export const saidByEvents = (events: readonly GenerationEvent[], usage: Usage): Said => {
  const calls = events.flatMap((event): SaidCall[] => {
    if (event.type !== 'tool-call-start') return [];
    const { index, id, name } = event;
    const ofCall = events.filter((each) => 'index' in each && each.index === index);
    return [{ id, name, arguments: argumentsOf(joined(ofCall, 'tool-call-delta', (each) => each.argumentsDelta)) }];
  });
  return {
    text: joined(events, 'text-delta', ({ text }) => text) + joined(events, 'refusal-delta', ({ text }) => text),
    reasoning: joined(events, 'reasoning-delta', ({ text }) => text),
    calls,
    seals: events.flatMap((event) => {
      if (event.type === 'reasoning-end') return [event.signature ?? [], event.encrypted ?? []].flat();
      return event.type === 'tool-call-start' ? [event.signature ?? []].flat() : [];
    }),
    finish: joined(events, 'finish', ({ reason }) => reason),
    usage: saidUsage(usage),
  };
};
