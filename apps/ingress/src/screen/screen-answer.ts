// Content filters on what comes back: streams as they run, bodies before they are sent. An answer that is blocked was made and is charged; its client is told why it does not come.
import { toWaystationError, type WaystationError } from '@waystation/contracts';
import { replaceTexts, spliceJson, textsWithin } from '@waystation/dialects';
import type { ContentFilter } from '@waystation/screening';
import type { Generation } from '../generate/generation.js';
import { screenTexts } from './screen-texts.js';
import { ScreenedStream } from './screened-stream.js';

const outputFilters = ({ caller }: Generation): readonly ContentFilter[] => caller.contentFilters()?.output ?? [];

/** Before the first attempt. Nothing is changed where no filter applies. @throws WaystationError `snapshot_stale` */
export const screenStream = (generation: Generation): void => {
  const filters = outputFilters(generation);
  if (filters.length === 0 || !generation.request.stream) return;
  generation.delivery = new ScreenedStream(generation.delivery, {
    filters,
    verdicts: generation.verdicts,
    blocked(error) {
      generation.blocked = error;
      generation.giveUp.now('blocked');
    },
  });
};

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Undefined for sounds and pictures. */
const asText = (bytes: Buffer): string | undefined => {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
};

const screenBody = async (
  generation: Generation,
  filters: readonly ContentFilter[],
  whole: Buffer,
): Promise<Buffer> => {
  const found = textsWithin(whole);
  if (found === undefined) {
    const text = asText(whole);
    if (text === undefined) return whole;
    const after = await screenTexts(filters, [{ text, role: undefined }], 'output', generation.verdicts);
    return after.has(0) ? Buffer.from(after.get(0) ?? '') : whole;
  }
  const { texts, logprobs } = found;
  const after = await screenTexts(filters, texts, 'output', generation.verdicts);
  const redacted = texts.flatMap((each, index) => {
    const text = after.get(index);
    return text === undefined ? [] : [{ ...each, text }];
  });
  if (redacted.length === 0) return whole;
  if (logprobs.length === 0) return replaceTexts(whole, redacted);
  const edits = [
    ...redacted.map(({ start, end, text }) => ({ start, end, replacement: JSON.stringify(text) })),
    ...logprobs.map((span) => ({ ...span, replacement: 'null' })),
  ];
  return spliceJson(
    whole,
    edits.sort((one, other) => one.start - other.start),
  );
};

/** After the attempt that served, before the end. The reason where it is blocked. */
export const screenAnswer = async (generation: Generation): Promise<WaystationError | undefined> => {
  const { delivery } = generation;
  if (delivery instanceof ScreenedStream) {
    delivery.finish(generation.end?.tail);
    return generation.blocked;
  }
  const filters = outputFilters(generation);
  if (filters.length === 0) return undefined;
  try {
    await delivery.revise?.((whole) => screenBody(generation, filters, whole));
    return undefined;
  } catch (thrown) {
    return toWaystationError(thrown);
  }
};
