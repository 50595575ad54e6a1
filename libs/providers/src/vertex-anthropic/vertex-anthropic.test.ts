import { fixtures } from '../anthropic-messages/fixtures/fixtures.js';
import { describePassing } from '../conformance/passing.js';
import { describeTranslation } from '../conformance/translation.js';
import type { UpstreamRequest } from '../spec.js';
import { vertexAnthropic } from './vertex-anthropic.js';

// Answers are those of Messages, events and bodies alike.
describeTranslation(vertexAnthropic, fixtures);
describePassing(vertexAnthropic, fixtures, {
  collect: (wire) => wire.match(/"text_delta","text":"((?:[^"\\]|\\.)*)"/g)?.join('') ?? '',
  tailHas: ['message_delta', 'message_stop'],
});

const { passthrough, translation } = vertexAnthropic;
const MODEL = 'claude-haiku-4-5@20251001';
const headersOf = ({ headers }: UpstreamRequest): Record<string, string> =>
  Object.fromEntries(headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1] ?? '']] : [])));

describe('Claude at Vertex AI', () => {
  it.each([
    [true, 'streamRawPredict'],
    [false, 'rawPredict'],
  ])('is asked by the path of its model, with the version in the body (streams: %s)', (stream, method) => {
    const common = { upstreamModel: MODEL, quirks: { beta: 'context-1m-2025-08-07' } };
    const said = { max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] };
    const bodies = [
      passthrough?.buildRequest({
        ...{ ...common, stream, dropParameters: [] },
        body: Buffer.from(JSON.stringify({ model: 'anthropic/claude', anthropic_version: 'mine', ...said })),
      }),
      translation?.buildRequest({
        ...common,
        call: {
          ...{ stream, sampling: {}, maxOutputTokens: 5 },
          messages: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }],
        },
      }),
    ];
    for (const built of bodies) {
      if (built === undefined) throw new Error('nothing was built');
      const body = JSON.parse(built.body.toString()) as Record<string, unknown>;
      expect(built.path).toBe(`/models/${MODEL}:${method}`);
      expect(body).toMatchObject({ anthropic_version: 'vertex-2023-10-16', max_tokens: 5 });
      expect(body).not.toHaveProperty('model');
      const headers = headersOf(built);
      expect(headers).toMatchObject({ 'content-type': 'application/json', 'anthropic-beta': 'context-1m-2025-08-07' });
      expect(headers).not.toHaveProperty('anthropic-version');
    }
  });

  it('takes its token as a bearer', () => {
    expect(vertexAnthropic.credential).toBeUndefined();
  });
});
