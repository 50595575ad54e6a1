// A conversation that comes to Claude from elsewhere, by a client of Messages: what others signed stays out, and everything else is the client's own bytes.
import { anthropicMessages as spoken } from '@waystation/dialects';
import type { GenerationEvent } from '@waystation/generation';
import { buildMessagesRequest } from './build-request.js';

const build = (body: string) =>
  buildMessagesRequest({
    body: Buffer.from(body),
    stream: false,
    upstreamModel: 'm',
    dropParameters: [],
    quirks: {},
  });

const google = 'google-gemini-v1';
const events: readonly GenerationEvent[] = [
  { type: 'reasoning-start', index: 0, format: google },
  { type: 'reasoning-delta', index: 0, text: 'hm' },
  { type: 'reasoning-end', index: 0, signature: 'T' },
  { type: 'tool-call-start', index: 1, id: 'call_1', name: 'see', signature: 'C', format: google },
  { type: 'tool-call-end', index: 1 },
  { type: 'finish', reason: 'tool-calls' },
];
/** [a thought, the call's seal, the call] as JSON. */
const answered = (): string[] => {
  const writer = spoken.writeAnswer({ generationId: 'gen-1-a', model: 'm', providerName: 'P', stream: false });
  for (const event of events) writer.event(event);
  writer.end();
  return (JSON.parse(writer.take().toString()) as { content: unknown[] }).content.map((block) => JSON.stringify(block));
};
const [thought = '', seal = ''] = answered();

const OWN = '{"type":"thinking","thinking":"mine","signature":"Er=="}';
/** A number that no double holds, and space that means nothing: neither may change. */
const CALL = '{"type":"tool_use", "id":"call_1","name":"see","input":{"n":12345678901234567890}}';
const message = (blocks: readonly string[]): string => `{"role":"assistant","content":[${blocks.join(',')}]}`;
const request = (messages: readonly string[]): string =>
  `{"model":"m","messages":[${messages.join(',')}],"max_tokens":5}`;
const USER = '{"role": "user", "content": "ws1. is how it begins"}';

describe('messages that pass', () => {
  it('lose the blocks that others signed, and keep every other byte', () => {
    const { body, warnings } = build(request([USER, message([thought, OWN, seal, CALL]), USER]));
    expect(body.toString()).toBe(request([USER, message([OWN, CALL]), USER]));
    expect(warnings).toEqual([expect.objectContaining({ code: 'translated-with-loss', field: 'messages' })]);
  });

  it('lose a message that held nothing else', () => {
    expect(build(request([USER, message([thought]), USER])).body.toString()).toBe(request([USER, USER]));
  });

  it.each([
    ['nothing was enclosed', request([USER, message([OWN, CALL]), USER])],
    ['an envelope was forged', request([USER, message([thought.replace('ws1.', 'ws1.0'), CALL]), USER])],
    ['content is a text', request([USER, '{"role":"assistant","content":"ws1."}'])],
  ])('are as they were where %s', (_, body) => {
    expect(build(body)).toMatchObject({ body: Buffer.from(body), warnings: [] });
  });
});
