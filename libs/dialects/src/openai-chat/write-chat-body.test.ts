// A whole completion has every member that clients which validate ask for, whatever the provider told.
import { openAiChat } from './openai-chat.js';
import { ChatAnswerBody } from './write-chat-body.js';

const terms = {
  generationId: 'gen-1700000000-abcdefghijABCDEFGHIJ',
  model: 'lab/small',
  providerName: 'Lab',
  stream: false,
};

describe('a chat completion out of events', () => {
  it.each([
    ['told', { systemFingerprint: 'fp_1' }, 'fp_1'],
    ['not told', {}, null],
  ])('has a system_fingerprint, be it %s', (_, more, expected) => {
    const body = new ChatAnswerBody(terms);
    body.event({ type: 'start', ...more });
    body.event({ type: 'text-start', index: 0 });
    body.event({ type: 'text-delta', index: 0, text: 'a' });
    body.event({ type: 'text-end', index: 0 });
    body.event({ type: 'finish', reason: 'stop' });
    body.end();
    expect(JSON.parse(body.take().toString())).toMatchObject({ system_fingerprint: expected });
  });

  it.each([true, false])('is JSON whatever a provider calls the type of an image (stream: %s)', (stream) => {
    const writer = openAiChat.writeAnswer({ ...terms, stream });
    writer.event({ type: 'image', index: 0, mediaType: 'image/"png"}', base64: 'AAAA' });
    writer.end();
    const json = writer
      .take()
      .toString()
      .replace(/^data: /, '');
    expect(JSON.stringify(JSON.parse(json))).toContain('data:image/\\"png\\"};base64,AAAA');
  });
});
