// Who asks what, when. Conversations of a few turns, more of them by day than by night; the prompt of each turn holds the turns before. Nothing of it depends on how it is answered.
import type { SandboxMessage } from '../../apps/sandbox/src/reply/call.js';
import { draw } from './draws.ts';
import { HOUR_MS } from './market.ts';

export const TENANTS = ['steady', 'quick', 'european', 'own-key'] as const;
/** `quick` prefers a first token within 2.5 s, `european` may use endpoints of the region eu only, `own-key` brings a key for alder. */
export type Tenant = (typeof TENANTS)[number];

export interface Ask {
  /** Unique in a run. */
  readonly number: number;
  readonly tenant: Tenant;
  readonly conversation: string;
  readonly messages: readonly SandboxMessage[];
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface Turn {
  readonly atMs: number;
  /** Made when it is due: a week of prompts at once would not fit. */
  ask(): Ask;
}

const WHAT = { gap: 1, tenant: 2, turns: 3, pause: 4, words: 5, app: 6 } as const;

const TURNS_MAX = 12;
const APPS = 20;
/** The sandbox's tokens. */
export const TOKEN_UNITS = 4;
export const MESSAGE_TOKENS = 4;

export const textOf = (name: string, tokens: number): string => name.padEnd(tokens * TOKEN_UNITS, '.');

const tenantOf = (luck: number): Tenant =>
  luck < 0.6 ? 'steady' : luck < 0.8 ? 'quick' : luck < 0.92 ? 'european' : 'own-key';

/** Times the average: a third by night, nearly twice as much at noon, less at the weekend. */
export const busyness = (weekMs: number): number => {
  const hour = (weekMs / HOUR_MS) % 24;
  const day = Math.floor(weekMs / (24 * HOUR_MS));
  const wave = Math.max(0, Math.sin((Math.PI * (hour - 6)) / 16));
  return (0.35 + 1.6 * wave) * (day >= 5 ? 0.7 : 1.1);
};

export interface Traffic {
  readonly seed: number;
  readonly beginsMs: number;
  readonly endsMs: number;
  /** In the middle of the week; a conversation has three to four turns. */
  readonly conversationsPerSecond: number;
}

/** The conversations in the order in which they begin. */
export function* conversationsOf({ seed, beginsMs, endsMs, conversationsPerSecond }: Traffic): Generator<Turn[]> {
  let atMs = beginsMs;
  for (let number = 0; ; number += 1) {
    const perMs = (conversationsPerSecond * busyness((atMs - beginsMs) % (7 * 24 * HOUR_MS))) / 1_000;
    atMs += -Math.log(draw(seed, WHAT.gap, number)) / perMs;
    if (atMs >= endsMs) return;
    yield turnsOf(seed, number, atMs);
  }
}

const turnsOf = (seed: number, number: number, beginsMs: number): Turn[] => {
  const tenant = tenantOf(draw(seed, WHAT.tenant, number));
  const app = Math.floor(draw(seed, WHAT.app, number) * APPS);
  const turns = Math.min(TURNS_MAX, 1 + Math.floor(-Math.log(draw(seed, WHAT.turns, number)) * 3));
  const system: SandboxMessage = { role: 'system', text: textOf(`You are app ${app}.`, 500 + 40 * app), mediaParts: 0 };
  let atMs = beginsMs;
  return Array.from({ length: turns }, (_, turn) => {
    if (turn > 0) atMs += 8_000 + 60_000 * draw(seed, WHAT.pause, number, turn) ** 2;
    return {
      atMs,
      ask: (): Ask => {
        const messages = [system];
        for (let each = 0; each <= turn; each += 1) {
          messages.push({
            role: 'user',
            text: textOf(`${number}.${each}`, wordsOf(seed, number, each, 300)),
            mediaParts: 0,
          });
          if (each < turn)
            messages.push({
              role: 'assistant',
              text: textOf(`${number}.${each} said`, wordsOf(seed, number, each + TURNS_MAX, 500)),
              mediaParts: 0,
            });
        }
        return {
          number: number * TURNS_MAX + turn,
          tenant,
          conversation: `c${number}`,
          messages,
          inputTokens: messages.reduce(
            (sum, { text }) => sum + MESSAGE_TOKENS + Math.ceil(text.length / TOKEN_UNITS),
            0,
          ),
          outputTokens: wordsOf(seed, number, turn + TURNS_MAX, 500),
        };
      },
    };
  });
};

const wordsOf = (seed: number, number: number, which: number, most: number): number =>
  20 + Math.floor(most * draw(seed, WHAT.words, number, which) ** 2);
