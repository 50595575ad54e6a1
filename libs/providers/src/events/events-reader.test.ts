// What holds for the events of every dialect, shown with a dialect that says what it is told to say.
import type { GenerationEvent } from '@waystation/generation';
import { CONFORMANCE_TERMS } from '../conformance/conformance.js';
import type { Decoding } from './decoder.js';
import { EventsReader } from './events-reader.js';
import { sseFraming } from './sse-framing.js';

const read = (atTheEnd: boolean, ...told: readonly GenerationEvent[]) => {
  const say = (emit: (event: GenerationEvent) => void): undefined => void told.forEach(emit);
  const decoding: Decoding = {
    framing: sseFraming,
    stream: () => ({
      done: false,
      event: (_, emit) => (atTheEnd ? undefined : say(emit)),
      ...(atTheEnd ? { end: say } : {}),
    }),
    body: () => (_, emit) => say(emit),
  };
  const events: GenerationEvent[] = [];
  const reader = new EventsReader(CONFORMANCE_TERMS, decoding, (event) => void events.push(event));
  reader.push(Buffer.from('data: {}\n\n'));
  reader.end();
  return { events, reader };
};

it.each([false, true])(
  'a finish that says the provider could not go on is a failure (told at the end: %s)',
  (atTheEnd) => {
    const { events, reader } = read(
      atTheEnd,
      { type: 'text-start', index: 0 },
      { type: 'text-delta', index: 0, text: 'half a' },
      { type: 'text-end', index: 0 },
      { type: 'finish', reason: 'error', nativeReason: 'broken' },
    );
    expect(reader.failure).toMatchObject({ code: 'provider_unavailable', details: { provider_code: 'broken' } });
    expect(events.some(({ type }) => type === 'finish')).toBe(false);
  },
);
