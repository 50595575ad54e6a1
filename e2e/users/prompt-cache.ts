// A conversation of two turns at a provider that caches what is marked and nothing else: with `cache_control` at the top of the request the second turn reads what the first has written,
// without it nothing is cached. What it costs is what the provider bills.
import type { RunningSystem } from '@waystation/testing';
import { ask, type Answer } from '../support/ask.ts';
import { story, type Random } from '../support/story.ts';
import { billOf, sandboxPrices, truth, type TruthCall } from '../support/truth.ts';
import { until } from '../support/wait.ts';

const MODEL = 'sandbox-messages/cache';
const SWITCH = { cache_control: { type: 'ephemeral' } } as const;
/** Long enough that a provider would cache it. */
const INSTRUCTIONS_CHARACTERS = 6_000;

interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

interface Told {
  readonly read: number;
  readonly written: number;
  readonly cost: number;
  readonly said: string;
}

/** How each API says instructions, and tells what came out of the cache. */
const CLIENTS = {
  chat: {
    path: '/api/v1/chat/completions',
    body: (system: string, messages: readonly Message[]) => ({
      messages: [{ role: 'system', content: system }, ...messages],
    }),
    told: ({ json }: Answer): Told => ({
      read: json.usage.prompt_tokens_details.cached_tokens,
      written: json.usage.prompt_tokens_details.cache_write_tokens,
      cost: json.usage.cost,
      said: json.choices[0].message.content,
    }),
  },
  messages: {
    path: '/api/v1/messages',
    body: (system: string, messages: readonly Message[]) => ({ max_tokens: 100, system, messages }),
    told: ({ json }: Answer): Told => ({
      read: json.usage.cache_read_input_tokens,
      written: json.usage.cache_creation_input_tokens,
      cost: json.usage.cost,
      said: json.content[0].text,
    }),
  },
} as const;

export const promptCache = (system: () => RunningSystem): void => {
  /** Calls of the model, in the order in which the provider saw them. */
  const calls = async (): Promise<TruthCall[]> =>
    (await truth(system())).filter(
      ({ dialect, model, outcome }) => dialect === 'anthropic-messages' && model === 'cache' && outcome === 'completed',
    );

  const billed = async (after: number): Promise<bigint> => {
    const price = (await sandboxPrices(system())).get('cache');
    const call = await until('the sandbox has billed', 5_000, async () =>
      (await calls()).find(({ sequence }) => sequence > after),
    );
    if (price === undefined) throw new Error('the sandbox tells no price of its model cache');
    return billOf(call, price);
  };

  const twoTurns = async (random: Random, name: keyof typeof CLIENTS, more: object): Promise<Told[]> => {
    const client = CLIENTS[name];
    const conversation = `cached-${random.whole(0, 1e9)}`;
    const instructions = `${conversation} `.padEnd(INSTRUCTIONS_CHARACTERS, 'Be patient. ');
    const messages: Message[] = [];
    const turns: Told[] = [];
    for (const question of ['Who are you?', 'And now?']) {
      messages.push({ role: 'user', content: question });
      const before = Math.max(0, ...(await calls()).map(({ sequence }) => sequence));
      const answer = await ask(system(), 'POST', client.path, {
        ...{ model: MODEL, session_id: conversation },
        ...client.body(instructions, messages),
        ...more,
      });
      expect([answer.status, answer.text]).toEqual([200, expect.any(String)]);
      const told = client.told(answer);
      expect(BigInt(Math.round(told.cost * 1e12))).toBe(await billed(before));
      messages.push({ role: 'assistant', content: told.said });
      turns.push(told);
    }
    return turns;
  };

  describe('a prompt that is to be cached', () => {
    for (const client of ['chat', 'messages'] as const) {
      story(
        `is read from the cache at its second turn, and only where ${client} asks for it`,
        system,
        async (random) => {
          const [first, second] = await twoTurns(random, client, SWITCH);
          expect([first?.read, (first?.written ?? 0) > INSTRUCTIONS_CHARACTERS / 4]).toEqual([0, true]);
          expect(second?.read).toBe(first?.written);
          expect(second?.written).toBeGreaterThan(0);
          for (const turn of await twoTurns(random, client, {})) expect([turn.read, turn.written]).toEqual([0, 0]);
        },
      );
    }

    story('is refused where it is not said how', system, async () => {
      const refused = await ask(system(), 'POST', CLIENTS.chat.path, {
        ...{ model: MODEL, messages: [{ role: 'user', content: 'hi' }] },
        cache_control: { type: 'ephemeral', ttl: '2h' },
      });
      expect([refused.status, refused.json.error.message]).toEqual([
        400,
        expect.stringContaining('cache_control: ttl'),
      ]);
    });
  });
};
