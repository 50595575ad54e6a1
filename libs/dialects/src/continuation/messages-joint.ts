// A Messages stream that another attempt may continue: text blocks alone, one of which is open. The first block of the second goes on in it, those behind it are counted on.
// https://docs.anthropic.com/en/docs/build-with-claude/streaming
import { isObject, type JsonObject } from '../openai-chat/check-type.js';
import { spliceJson, type JsonEdit } from '../json/edit-members.js';
import { findAtPath } from '../json/find-at-path.js';
import { namedEvent } from '../sse.js';
import { jsonOf, parsed, SAID_CHARACTERS_MAX, Seam, type StreamJoint } from './stream-joint.js';

const NOTHING = Buffer.alloc(0);

const numberAt = (event: JsonObject): number => (typeof event['index'] === 'number' ? event['index'] : 0);

export class MessagesJoint implements StreamJoint {
  readonly #seam = new Seam();
  #said = '';
  #isPlain = true;
  #isJoined = false;
  /** The text block that is open. */
  #open: number | undefined;
  /** From positions of the second to those of the answer; known with its first block. */
  #shift: number | undefined;

  get text(): string | undefined {
    return this.#isPlain && this.#open !== undefined ? Seam.prefixOf(this.#said) : undefined;
  }

  get isOpen(): boolean {
    return this.#isPlain && !this.#isJoined;
  }

  join(): void {
    this.#seam.join(this.#said);
    this.#isJoined = true;
  }

  pass(event: Buffer): Buffer {
    const found = jsonOf(event);
    if (found === undefined) return event;
    const value = parsed(found.json);
    if (!this.#isJoined) {
      if (this.#isPlain)
        this.#isPlain = isObject(value) && this.#read(value) && this.#said.length <= SAID_CHARACTERS_MAX;
      if (!this.#isPlain) this.#said = '';
      return event;
    }
    return isObject(value) ? this.#continue(event, value, found.json, found.start) : event;
  }

  /** Whether it is still text and nothing else. */
  #read(event: JsonObject): boolean {
    switch (event['type']) {
      case 'message_start':
      case 'ping':
        return true;
      case 'content_block_start': {
        const block = event['content_block'];
        if (!isObject(block) || block['type'] !== 'text') return false;
        this.#said += typeof block['text'] === 'string' ? block['text'] : '';
        this.#open = numberAt(event);
        return true;
      }
      case 'content_block_delta': {
        const delta = event['delta'];
        if (!isObject(delta) || delta['type'] !== 'text_delta' || typeof delta['text'] !== 'string') return false;
        this.#said += delta['text'];
        return true;
      }
      case 'content_block_stop':
        this.#open = undefined;
        return true;
      default:
        return false;
    }
  }

  #continue(event: Buffer, value: JsonObject, json: Buffer, start: number): Buffer {
    switch (value['type']) {
      case 'message_start':
        return NOTHING;
      case 'content_block_start': {
        if (this.#shift !== undefined) return this.#placed(event, json, start);
        const open = this.#open ?? 0;
        const block = value['content_block'];
        const isText = isObject(block) && block['type'] === 'text';
        this.#shift = open + (isText ? 0 : 1) - numberAt(value);
        if (isText) return this.#begun(open, block['text']);
        const stop = namedEvent('content_block_stop', `{"type":"content_block_stop","index":${open}}`);
        return Buffer.concat([Buffer.from(stop), this.#placed(event, json, start)]);
      }
      case 'content_block_delta':
      case 'content_block_stop':
        return this.#placed(event, json, start);
      default:
        return event;
    }
  }

  /** A block that is open already; it may begin with text. */
  #begun(index: number, text: unknown): Buffer {
    if (typeof text !== 'string' || text === '') return NOTHING;
    const delta = { type: 'text_delta', text: this.#seam.take(text) };
    return Buffer.from(
      namedEvent('content_block_delta', JSON.stringify({ type: 'content_block_delta', index, delta })),
    );
  }

  #placed(event: Buffer, json: Buffer, offset: number): Buffer {
    const edits: JsonEdit[] = [];
    for (const { start, end } of findAtPath(json, ['index'])) {
      const index = Number(json.toString('latin1', start, end)) + (this.#shift ?? 0);
      edits.push({ start: start + offset, end: end + offset, replacement: String(index) });
    }
    const isText = findAtPath(json, ['delta', 'type']).some(
      ({ start, end }) => json.toString('utf8', start, end) === '"text_delta"',
    );
    for (const { start, end } of isText ? findAtPath(json, ['delta', 'text']) : []) {
      const piece = parsed(json.subarray(start, end));
      if (typeof piece === 'string')
        edits.push({
          start: start + offset,
          end: end + offset,
          replacement: JSON.stringify(this.#seam.take(piece)),
        });
    }
    return spliceJson(
      event,
      edits.sort((one, other) => one.start - other.start),
    );
  }
}
