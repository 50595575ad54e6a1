// Recorded events on the wire of the sandbox: the framing of each dialect is that of its own streams.
import { DONE, dataEvent, namedEvent } from '../dialects/frame.js';
import { writeEvent } from '../dialects/bedrock-converse/write-event.js';

interface Wire {
  /** One recorded event, ready for the wire; binary ones are one character a byte. */
  readonly event: (json: string) => string;
  readonly end: string;
  readonly binary?: true;
}

const typeOf = (json: string): string => String((JSON.parse(json) as { type: unknown }).type);

/** Each line of a recording holds the payloads by the names of their events. */
const frames = (json: string): string =>
  Object.entries(JSON.parse(json) as Record<string, unknown>)
    .map(([type, payload]) => writeEvent(type, payload))
    .join('');

const named = (json: string): string => namedEvent(typeOf(json), json);

const WIRES: Readonly<Record<string, Wire>> = {
  'openai-chat': { event: dataEvent, end: DONE },
  'openai-responses': { event: named, end: '' },
  'anthropic-messages': { event: named, end: '' },
  gemini: { event: dataEvent, end: '' },
  'bedrock-converse': { event: frames, end: '', binary: true },
  cohere: { event: named, end: DONE },
};

export const wireOf = (dialect: string): Wire => {
  const wire = WIRES[dialect];
  if (wire === undefined) throw new Error(`no recording of ${dialect} can be put on the wire`);
  return wire;
};

/** A whole stream as bytes. */
export const wireBytes = (dialect: string, lines: readonly string[]): Buffer => {
  const { event, end, binary } = wireOf(dialect);
  return Buffer.from(lines.map(event).join('') + end, binary === true ? 'latin1' : 'utf8');
};
