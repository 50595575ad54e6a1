// A stream of chat completions that another attempt may continue: one choice with nothing but content in it. The second has no role of its own.
import { isObject } from '../openai-chat/check-type.js';
import { memberEdits, spliceJson, type JsonEdit } from '../json/edit-members.js';
import { findAtPath } from '../json/find-at-path.js';
import { scanObject } from '../json/scan-top-level.js';
import { jsonOf, parsed, SAID_CHARACTERS_MAX, Seam, type StreamJoint } from './stream-joint.js';

const OWNED: ReadonlySet<string> = new Set(['role', 'content']);

/** Members that are there and say nothing. */
const saysNothing = (value: unknown): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0);

export class ChatJoint implements StreamJoint {
  readonly #seam = new Seam();
  #said = '';
  #isPlain = true;
  #isJoined = false;

  get text(): string | undefined {
    return this.#isPlain ? Seam.prefixOf(this.#said) : undefined;
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
    if (!this.#isJoined) {
      if (this.#isPlain) this.#isPlain = this.#read(found.json) && this.#said.length <= SAID_CHARACTERS_MAX;
      if (!this.#isPlain) this.#said = '';
      return event;
    }
    const edits = this.#edits(found.json).map(({ start, end, replacement }) => ({
      start: start + found.start,
      end: end + found.start,
      replacement,
    }));
    return edits.length === 0 ? event : spliceJson(event, edits);
  }

  /** Whether it is still text and nothing else. */
  #read(json: Buffer): boolean {
    const chunk: unknown = parsed(json);
    const choices = isObject(chunk) ? chunk['choices'] : undefined;
    const [choice, ...others]: unknown[] = Array.isArray(choices) ? choices : [];
    if (!isObject(choice) || others.length > 0 || (choice['index'] ?? 0) !== 0) return false;
    if (!saysNothing(choice['finish_reason'] ?? null) || !saysNothing(choice['logprobs'] ?? null)) return false;
    const delta = choice['delta'];
    if (!isObject(delta)) return false;
    const { role, content, ...more } = delta;
    if ((role ?? 'assistant') !== 'assistant' || !Object.values(more).every(saysNothing)) return false;
    if (typeof content === 'string') this.#said += content;
    return typeof content === 'string' || content === null || content === undefined;
  }

  #edits(json: Buffer): JsonEdit[] {
    return findAtPath(json, ['choices', { each: undefined }, 'delta']).flatMap(({ start }) => {
      const fields = scanObject(json, start, OWNED)?.fields ?? [];
      const content = fields.findLast(({ key }) => key === 'content');
      const piece: unknown = content && parsed(json.subarray(content.valueStart, content.valueEnd));
      return memberEdits(
        json,
        {
          remove: fields.filter(({ key }) => key === 'role'),
          replace:
            content !== undefined && typeof piece === 'string' && piece !== ''
              ? [{ span: content, json: JSON.stringify(this.#seam.take(piece)) }]
              : [],
        },
        start,
      );
    });
  }
}
