import { FINISH_REASONS } from '@waystation/generation';
import { chatFinishReason } from '@waystation/dialects';
import { mapFinishReason } from './map-finish-reason.js';

describe('finish reasons', () => {
  it.each([
    ['stop', 'stop'],
    ['STOP', 'stop'],
    ['length', 'length'],
    ['tool_calls', 'tool-calls'],
    ['function_call', 'tool-calls'],
    ['content_filter', 'content-filter'],
    ['model_length', 'length'],
    ['insufficient_system_resource', 'error'],
    ['abort', 'error'],
    ['something new', 'stop'],
    ['constructor', 'stop'],
  ])('%s is %s', (native, reason) => {
    expect(mapFinishReason(native)).toBe(reason);
  });

  it('every reason has a public word that maps back to it', () => {
    for (const reason of FINISH_REASONS) expect(mapFinishReason(chatFinishReason(reason))).toBe(reason);
  });
});
