// What the body reader does with providers that do not behave.
import { CONFORMANCE_TERMS, readPieces } from '../conformance/conformance.js';
import { openaiChat } from './openai-chat.js';

const read = (body: unknown, terms: Partial<typeof CONFORMANCE_TERMS> = {}) => {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const { output, reader } = readPieces(openaiChat, { ...CONFORMANCE_TERMS, stream: false, ...terms }, bytes, 1_000);
  return { output: output.toString(), code: reader.failure?.code, report: reader.report() };
};
const choice = (message: unknown, finish: unknown = 'stop') => ({
  id: 'up',
  choices: [{ index: 0, message, finish_reason: finish }],
});

describe('a body', () => {
  it.each([
    ['that is empty', '', 'provider_invalid_response'],
    ['that is no JSON', '<html>', 'provider_invalid_response'],
    ['that is an array', '[]', 'provider_invalid_response'],
    ['without choices', { id: 'x' }, 'provider_invalid_response'],
    ['that is an error', { error: { message: 'x', code: 429 } }, 'provider_rate_limited'],
    ['that is an error as engines write it', { object: 'error', message: 'x', code: 400 }, 'provider_rejected'],
    ['with no choice', { choices: [] }, 'provider_empty'],
    ['with empty content', choice({ role: 'assistant', content: '' }), 'provider_empty'],
    ['with null content', choice({ role: 'assistant', content: null }), 'provider_empty'],
    ['that was broken off', choice({ content: 'a' }, 'error'), 'provider_unavailable'],
    ['of events', 'data: {"choices":[]}\n\n', 'provider_invalid_response'],
  ])('%s fails, and nothing of it is shown', (_, body, code) => {
    const run = read(body);
    expect([run.code, run.output]).toEqual([code, '']);
  });

  it('whose tool calls say no type gets it, and is else as it was', () => {
    const message = { role: 'assistant', content: '', tool_calls: [{ id: 'a', function: { name: 'f' } }] };
    const { output } = read(choice(message, 'tool_calls'));
    expect(output).toContain('"tool_calls":[{"type":"function","id":"a","function":{"name":"f"}}]');
  });

  it('that is larger than allowed fails without being kept', () => {
    expect(read(choice({ content: 'x'.repeat(5_000) }), { limits: { bodyBytesMax: 2_000 } }).code).toBe(
      'provider_invalid_response',
    );
  });

  it.each([
    ['none', undefined],
    ['null', null],
    ['a placeholder of zeros', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
    ['no object', [7]],
    ['an object without counts', { cost: 0 }],
    ['a prompt and zero', { prompt_tokens: 7, completion_tokens: 0 }],
    ['a prompt and null', { prompt_tokens: 7, completion_tokens: null }],
  ])('whose usage is %s is charged from an estimate of its text', (_, usage) => {
    const { report } = read({ ...choice({ role: 'assistant', content: 'x'.repeat(40) }), usage });
    expect([report.usageSource, report.usage['output']]).toEqual(['estimated', 10]);
  });

  it.each([
    ['none', {}, null],
    ['null', { system_fingerprint: null }, null],
    ['one', { system_fingerprint: 'fp_1' }, 'fp_1'],
  ])('with %s for a fingerprint has the member all the same', (_, more, expected) => {
    const { output } = read({ ...choice({ role: 'assistant', content: 'a' }), ...more });
    expect(JSON.parse(output)).toMatchObject({ system_fingerprint: expected });
    expect(output.match(/"system_fingerprint"/g)).toHaveLength(1);
  });

  it.each([
    ['a tool call', { content: null, tool_calls: [{ id: 'a' }] }],
    ['reasoning', { content: '', reasoning_content: 'hm' }],
    ['a refusal', { content: null, refusal: 'no' }],
    ['audio', { content: null, audio: { id: 'a' } }],
    ['images', { content: '', images: [{}] }],
  ])('with only %s is not empty', (_, message) => {
    expect(read(choice(message)).code).toBeUndefined();
  });

  it('keeps every byte but our fields', () => {
    const { output } = read(
      '{ "id":"up" , "n":1.50e0,"model":"m","choices":[ {"message":{"content":"\\u0041"},"finish_reason":"eos"} ],"usage":{"prompt_tokens":1,"completion_tokens":2,"x":[1 ]}}',
    );
    expect(output).toBe(
      '{"object":"chat.completion","created":1700000000,"provider":"The \\"Lab\\"","system_fingerprint":null, "id":"gen-1700000000-abcdefghijABCDEFGHIJ" , "n":1.50e0,"model":"lab/small","choices":[ {"native_finish_reason":"eos","message":{"content":"\\u0041"},"finish_reason":"stop"} ],"usage":{"prompt_tokens":1,"completion_tokens":2,"x":[1 ]}}',
    );
  });
});
