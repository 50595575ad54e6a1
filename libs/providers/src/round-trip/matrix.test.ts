// A conversation of twenty turns, with tools, calls in parallel, sealed reasoning and images, between every client and every lab: each request that a lab gets must hold all
// that was said, as that lab said it, and what is lost must be in the warnings, no more and no less.
import { readFileSync } from 'node:fs';
import { ENVELOPE_MARK } from '@waystation/dialects';
import { PROVIDER_DIALECTS, findProviderDialect } from '../registry.js';
import { chatClient } from './clients/chat.js';
import { completionsClient } from './clients/completions.js';
import { messagesClient } from './clients/messages.js';
import { responsesClient } from './clients/responses.js';
import { askedOf, exchange } from './exchange.js';
import { anthropicLab, vertexLab } from './labs/anthropic-messages.js';
import { bedrockLab } from './labs/bedrock-converse.js';
import { cohereLab } from './labs/cohere.js';
import { geminiLab } from './labs/gemini.js';
import { azureLab, chatLab } from './labs/openai-chat.js';
import { responsesLab } from './labs/openai-responses.js';
import { LOSSES, lossesTable, namesOf } from './losses-table.js';
import { SCRIPT, TURNS, sealOf, type Reply, type Step } from './script.js';
import type { Client, ClientKind, Lab } from './sides.js';

const CLIENTS = [chatClient, messagesClient, responsesClient];
const LABS = [chatLab, azureLab, responsesLab, anthropicLab, vertexLab, geminiLab, bedrockLab, cohereLab];
const WAYS = [
  ['streams', true],
  ['bodies', false],
] as const;

/** What is not the lab's to say. */
const tell = (client: Client, step: Exclude<Step, { role: 'assistant' }>): void => {
  if (step.role === 'system') client.system(step.text);
  else if (step.role === 'user') client.user(step.text, step.image);
  else client.results(step.results);
};

/** The client after the whole conversation, and what was told as lost on its way. */
const converse = (kind: ClientKind, lab: Lab, stream: boolean): { client: Client; losses: readonly string[] } => {
  const client = kind.begin();
  const warnings: string[] = [];
  for (const [at, step] of SCRIPT.entries()) {
    if (step.role !== 'assistant') {
      tell(client, step);
      continue;
    }
    const told = exchange(kind, lab, client.request(stream), step.reply, stream);
    expect(lab.messagesOf(told.request)).toEqual(lab.expected(SCRIPT.slice(0, at), askedOf(kind, lab)));
    expect(client.hear(told.wire, stream)).toEqual(step.reply.calls.map(({ name }) => name));
    warnings.push(...told.warnings);
  }
  return { client, losses: namesOf(warnings) };
};

it('the matrix knows every provider dialect that holds conversations', () => {
  expect(LABS.map(({ name }) => name).sort()).toEqual(
    PROVIDER_DIALECTS.filter((name) => findProviderDialect(name)?.translation !== undefined).sort(),
  );
  expect(SCRIPT.filter(({ role }) => role === 'user')).toHaveLength(TURNS);
});

describe.each(CLIENTS.map((kind) => [kind.name, kind] as const))('a client of %s', (_, kind) => {
  describe.each(LABS.map((lab) => [lab.name, lab] as const))('at %s', (__, lab) => {
    it.each(WAYS)('loses nothing but what it is told, in %s', (___, stream) => {
      expect(converse(kind, lab, stream).losses).toEqual([...(LOSSES[kind.name]?.[lab.name] ?? [])].sort());
    });
  });
});

const CLAUDE: readonly Lab[] = [anthropicLab, vertexLab, bedrockLab];

const REPLIES = SCRIPT.flatMap((step) => (step.role === 'assistant' ? [step.reply] : []));

/** What each lab seals, and who may see it: a relay behind chat completions seals for whom it asked. */
const MAY_SEE: readonly (readonly [lab: string, what: string, readonly Lab[]])[] = [
  ['chat', 'thought', CLAUDE],
  ['chat', 'hidden', [responsesLab]],
  ['chat', 'call', [geminiLab]],
  ['responses', 'thought', [responsesLab]],
  ['claude', 'thought', CLAUDE],
  ['gemini', 'thought', [geminiLab]],
  ['bedrock', 'thought', CLAUDE],
];
const sealsHiddenFrom = (to: Lab): string[] =>
  MAY_SEE.filter(([, , labs]) => !labs.includes(to)).flatMap(([lab, what]) =>
    REPLIES.map(({ key }) => sealOf(lab, key, what)),
  );
const WORDS = SCRIPT.flatMap((step): (string | undefined)[] => {
  switch (step.role) {
    case 'system':
      return [step.text];
    case 'user':
      return [step.text, step.image];
    case 'assistant':
      return [step.reply.text];
    case 'tool':
      return step.results.flatMap(({ text, image }) => [text, image]);
  }
}).filter((text) => text !== undefined);
const CALLS = REPLIES.flatMap(({ calls }) => calls);

const PLAIN: Reply = { key: 'last', sealed: false, text: 'done', calls: [] };

/** Whether the reasoning of one lab goes to another: to a relay behind chat completions, as a client's own bytes, to the same models elsewhere, or as words without a seal. */
const keepsReasoning = (kind: ClientKind, from: Lab, to: Lab): boolean =>
  to === chatLab ||
  (to === azureLab && askedOf(kind, to).passes) ||
  // Its words pass in a member that this client does not keep.
  (from === azureLab && askedOf(kind, from).passes) ||
  (CLAUDE.includes(from) && CLAUDE.includes(to)) ||
  (from === azureLab && to === cohereLab);

const TOLD = /reasoning|carries a signature/i;

describe.each(CLIENTS.map((kind) => [kind.name, kind] as const))('a client of %s that moves', (_, kind) => {
  const moves = LABS.flatMap((from) =>
    LABS.filter((to) => to !== from).map((to) => [from.name, to.name, from, to] as const),
  );
  const histories = new Map(LABS.map((lab) => [lab, converse(kind, lab, true).client]));

  it.each(moves)('from %s to %s takes all but reasoning along, and is told of that', (__, ___, from, to) => {
    const client = histories.get(from);
    if (client === undefined) throw new Error(`nothing was said at ${from.name}`);
    const { request, warnings } = exchange(kind, to, client.request(false), PLAIN, false);
    const asked = JSON.stringify(request);
    expect(WORDS.filter((word) => !asked.includes(word))).toEqual([]);
    expect(asked.split('ünï')).toHaveLength(CALLS.length + 1);
    expect(asked).not.toContain(ENVELOPE_MARK);
    const keeps = keepsReasoning(kind, from, to);
    if (!keeps) expect(sealsHiddenFrom(to).filter((seal) => asked.includes(seal))).toEqual([]);
    expect(warnings.some((warning) => TOLD.test(warning))).toBe(!keeps);
  });
});

describe.each(LABS.map((lab) => [lab.name, lab] as const))('a client of legacy completions at %s', (_, lab) => {
  it.each(WAYS)('keeps its text, and is told what of an answer is lost, in %s', (__, stream) => {
    const client = completionsClient.begin();
    const warnings: string[] = [];
    for (const step of SCRIPT) {
      if (step.role !== 'assistant') {
        tell(client, step);
        continue;
      }
      const { prompt } = client;
      const told = exchange(completionsClient, lab, client.request(stream), step.reply, stream);
      expect(JSON.stringify(lab.messagesOf(told.request))).toContain(JSON.stringify(prompt));
      client.hear(told.wire, stream);
      expect(client.prompt).toBe(`${prompt}${step.reply.text ?? ''}\n`);
      warnings.push(...told.warnings);
    }
    expect(namesOf(warnings)).toEqual([...(LOSSES[completionsClient.name]?.[lab.name] ?? [])].sort());
  });
});

it('the guide shows this table', () => {
  expect(readFileSync('docs/guides/what-is-translated.md', 'utf8')).toContain(`\n\n${lossesTable()}\n\n`);
});
