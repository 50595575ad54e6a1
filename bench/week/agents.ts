// Agents at work: conversations of many turns whose prompts grow with what tools answer, in a few applications with instructions of their own. And how much of their prompts
// providers could have read from a cache, had every endpoint known what any of them has seen.
import type { SandboxMessage } from '../../apps/sandbox/src/reply/call.js';
import { MESSAGE_TOKENS, TOKEN_UNITS, textOf, type Ask, type Turn } from './asks.ts';
import { draw } from './draws.ts';
import type { Parts } from './parts.ts';

export interface Agents {
  readonly seed: number;
  readonly beginsMs: number;
  /** Within which conversations begin. */
  readonly withinMs: number;
  readonly conversations: number;
  readonly turnsMax: number;
}

const WHAT = { begins: 60, turns: 61, pause: 62, tool: 63, said: 64, app: 65, leaves: 66 } as const;
const APPS = 10;
const TURNS_MIN = 8;
/** Between turns a tool works for seconds; now and then somebody is asked, and takes longer than a cache lasts. */
const PAUSE_MS = { least: 2_000, most: 45_000, away: 420_000 } as const;
const AWAY = 0.03;
const CALLS_MAX = 100;

const message = (role: string, name: string, tokens: number): SandboxMessage => ({
  role,
  text: textOf(name, tokens),
  mediaParts: 0,
});

const turnsOf = ({ seed, turnsMax }: Agents, number: number, beginsMs: number): Turn[] => {
  const luck = (what: number, turn = 0): number => draw(seed, what, number, turn);
  const app = Math.floor(luck(WHAT.app) * APPS);
  const turns = TURNS_MIN + Math.floor(luck(WHAT.turns) * (turnsMax - TURNS_MIN + 1));
  const saidAt = (turn: number): number => 40 + Math.floor(300 * luck(WHAT.said, turn) ** 2);
  let atMs = beginsMs;
  return Array.from({ length: turns }, (_, turn) => {
    if (turn > 0) {
      atMs += PAUSE_MS.least + (PAUSE_MS.most - PAUSE_MS.least) * luck(WHAT.pause, turn) ** 2;
      if (luck(WHAT.leaves, turn) < AWAY) atMs += PAUSE_MS.away;
    }
    return {
      atMs,
      ask: (): Ask => {
        const messages = [message('system', `You are agent ${app}. Your tools are`, 2_000 + 250 * app)];
        for (let each = 0; each <= turn; each += 1) {
          const tokens = 60 + Math.floor(1_500 * luck(WHAT.tool, each) ** 3);
          messages.push(message(each === 0 ? 'user' : 'tool', `${number}.${each}`, tokens));
          if (each < turn) messages.push(message('assistant', `${number}.${each} said`, saidAt(each)));
        }
        return {
          number: number * CALLS_MAX + turn,
          tenant: 'steady',
          conversation: `agent-${number}`,
          messages,
          inputTokens: messages.reduce((sum, { text }) => sum + MESSAGE_TOKENS + text.length / TOKEN_UNITS, 0),
          outputTokens: saidAt(turn),
        };
      },
    };
  });
};

/** In the order in which they begin. */
export const agentsOf = (agents: Agents): Turn[][] =>
  Array.from({ length: agents.conversations }, (_, number) => ({
    number,
    beginsMs: agents.beginsMs + draw(agents.seed, WHAT.begins, number) * agents.withinMs,
  }))
    .sort((a, b) => a.beginsMs - b.beginsMs)
    .map(({ number, beginsMs }) => turnsOf(agents, number, beginsMs));

/** The share of all prompts' tokens that one cache for everything, with the time that providers' caches keep, would have given. */
export const possibleShare = (parts: Parts, conversations: readonly (readonly Turn[])[]): number => {
  let nowMs = 0;
  const cache = parts.createPromptCache(() => nowMs);
  const { cacheTtlS } = parts.scriptOf();
  let [all, cached] = [0, 0];
  for (const turn of conversations.flat().sort((a, b) => a.atMs - b.atMs)) {
    nowMs = turn.atMs;
    const { messages, inputTokens } = turn.ask();
    all += inputTokens;
    cached += cache.read({ model: 'any', messages }, cacheTtlS * 1_000).read;
  }
  return cached / all;
};
