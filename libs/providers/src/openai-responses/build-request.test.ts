import type { PassthroughRequest } from '../spec.js';
import { buildResponsesRequest } from './build-request.js';

const build = (body: object, changes: Partial<PassthroughRequest> = {}) => {
  const built = buildResponsesRequest({
    body: Buffer.from(JSON.stringify(body)),
    stream: true,
    upstreamModel: 'gpt-5',
    dropParameters: [],
    quirks: {},
    ...changes,
  });
  return { ...built, json: JSON.parse(built.body.toString()) as unknown };
};
const body = { model: 'lab/small', input: 'hi' };
const sealed = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' };

describe('a client’s own request', () => {
  it('gets the provider’s model, is never stored, and loses what is ours', () => {
    const { json, path } = build({
      ...body,
      store: null,
      provider: { only: ['a'] },
      models: ['x'],
      user: 'jane@example.com',
      safety_identifier: 'jane',
      metadata: { name: 'Jane' },
      previous_response_id: null,
      background: false,
      unknown: { kept: true },
    });
    expect(path).toBe('/responses');
    expect(json).toEqual({ model: 'gpt-5', input: 'hi', store: false, unknown: { kept: true } });
  });

  it.each([
    ['under the name that OpenAI has for it', {}, { safety_identifier: 'user-1' }],
    ['under the name that others have for it', { userField: 'user' }, { user: 'user-1' }],
    ['not at all', { sendsUser: false }, {}],
  ] as const)('tells of its end user by a stand-in, %s', (_, quirks, told) => {
    expect(build({ ...body, user: 'jane' }, { endUser: 'user-1', quirks }).json).toEqual({
      model: 'gpt-5',
      input: 'hi',
      store: false,
      ...told,
    });
  });

  it.each([
    ['no cap at all', {}, 100, 100],
    ['a higher one', { max_output_tokens: 500 }, 100, 100],
    ['a lower one', { max_output_tokens: 50 }, 100, 50],
    ['one, where the hold sets none', { max_output_tokens: 50 }, undefined, 50],
  ])('is capped as the hold buys where it set %s', (_, told, outputCap, expected) => {
    const { json } = build({ ...body, ...told }, outputCap === undefined ? {} : { outputCap });
    expect(json).toMatchObject({ max_output_tokens: expected });
  });

  it.each([
    ['it reasons', { reasoning: { effort: 'low' } }, {}, ['reasoning.encrypted_content']],
    ['it reasons and asks for more', { reasoning: {}, include: ['x'] }, {}, ['x', 'reasoning.encrypted_content']],
    ['it asks for that itself', { include: ['reasoning.encrypted_content'] }, {}, ['reasoning.encrypted_content']],
    ['the endpoint always reasons', {}, { encryptedReasoning: true }, ['reasoning.encrypted_content']],
    ['it does not reason', { reasoning: { effort: 'none' } }, {}, undefined],
    ['it says nothing of it', { reasoning: null }, {}, undefined],
    ['the endpoint cannot', { reasoning: { effort: 'low' } }, { encryptedReasoning: false }, undefined],
  ])('asks for sealed thoughts where %s', (_, told, quirks, include) => {
    const { json } = build({ ...body, ...told }, { quirks });
    expect((json as { include?: unknown }).include).toEqual(include);
  });

  it('loses what the endpoint does not take, each with a warning', () => {
    const { json, warnings } = build(
      { ...body, temperature: 1, reasoning: { effort: 'low' }, text: { format: { type: 'text' } } },
      { dropParameters: ['temperature', 'reasoning', 'structured_outputs'] },
    );
    expect(json).toEqual({ model: 'gpt-5', input: 'hi', store: false });
    expect(warnings.map(({ field }) => field)).toEqual(['temperature', 'reasoning', 'text']);
  });

  it('gives thoughts back as the provider made them, and none that another kind of provider made', () => {
    const input = [
      { role: 'user', content: 'hi' },
      { ...sealed, format: 'openai-responses-v1' },
      { type: 'reasoning', id: 'rs_2', summary: [], format: 'anthropic-claude-v1', signature: 'sig' },
      { ...sealed, id: 'rs_3', format: 'google-gemini-v1' },
      { ...sealed, id: 'rs_4' },
    ];
    const { json, warnings } = build({ ...body, input });
    expect(json).toMatchObject({ input: [input[0], sealed, { ...sealed, id: 'rs_4' }] });
    expect(warnings).toEqual([expect.objectContaining({ code: 'translated-with-loss', field: 'input' })]);
  });

  it('travels byte for byte but for what is ours', () => {
    const wire = `{"model":"m","input":[{"type":"reasoning" ,"id":"rs","summary":[],"encrypted_content":"g"}],"x":1e5}`;
    const { body: built } = buildResponsesRequest({
      body: Buffer.from(wire),
      stream: false,
      upstreamModel: 'm',
      dropParameters: [],
      quirks: {},
    });
    expect(built.toString()).toBe(`{"store":false,${wire.slice(1)}`);
  });
});
