// Content blocks of a Messages request: https://docs.anthropic.com/en/api/messages. What the sandbox thought must come back as it went out.
import { signatureOf } from '../../reply/sign.js';
import { BadCall } from '../dialect.js';
import { isRecord, readRecords, type Json } from '../read-fields.js';

export interface Content {
  readonly text: string;
  readonly mediaParts: number;
  readonly toolUses: readonly string[];
  readonly toolResults: readonly string[];
  /** How many blocks carry `cache_control`. */
  readonly cacheMarks: number;
}

const textIn = (value: unknown): string => {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value
    .map((part: unknown) => (isRecord(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join('');
};

const readString = (block: Json, member: string, where: string): string => {
  const value = block[member];
  if (typeof value !== 'string') throw new BadCall(400, `${where}.${member}: Field required`);
  return value;
};

export const readContent = (content: unknown, role: string, where: string): Content => {
  if (typeof content === 'string')
    return { text: content, mediaParts: 0, toolUses: [], toolResults: [], cacheMarks: 0 };
  let text = '';
  let mediaParts = 0;
  const toolUses: string[] = [];
  const toolResults: string[] = [];
  let cacheMarks = 0;
  for (const [index, block] of readRecords(content, where).entries()) {
    const at = `${where}.${index}`;
    if (isRecord(block['cache_control'])) {
      if (block['type'] === 'thinking')
        throw new BadCall(400, `${at}.thinking.cache_control: Extra inputs are not permitted`);
      cacheMarks += 1;
    }
    switch (block['type']) {
      case 'text':
        if (readString(block, 'text', at) === '')
          throw new BadCall(400, `${at}: text content blocks must be non-empty`);
        text += readString(block, 'text', at);
        break;
      case 'thinking': {
        const thinking = readString(block, 'thinking', at);
        if (readString(block, 'signature', at) !== signatureOf(thinking))
          throw new BadCall(400, `${at}: Invalid \`signature\` in \`thinking\` block`);
        text += thinking;
        break;
      }
      case 'redacted_thinking':
        throw new BadCall(400, `${at}: Invalid \`data\` in \`redacted_thinking\` block`);
      case 'tool_use':
        if (role !== 'assistant')
          throw new BadCall(400, `${at}: \`tool_use\` blocks can only be in \`assistant\` messages`);
        if (!/^[a-zA-Z0-9_-]+$/.test(readString(block, 'id', at)))
          throw new BadCall(400, `${at}.id: String should match pattern '^[a-zA-Z0-9_-]+$'`);
        if (!isRecord(block['input'])) throw new BadCall(400, `${at}.input: Input should be a valid dictionary`);
        toolUses.push(readString(block, 'id', at));
        text += readString(block, 'name', at) + JSON.stringify(block['input']);
        break;
      case 'tool_result':
        if (role !== 'user') throw new BadCall(400, `${at}: \`tool_result\` blocks can only be in \`user\` messages`);
        toolResults.push(readString(block, 'tool_use_id', at));
        text += textIn(block['content']);
        break;
      case 'image':
      case 'document':
        if (!isRecord(block['source'])) throw new BadCall(400, `${at}.source: Field required`);
        mediaParts += 1;
        break;
      default:
        if (typeof block['type'] !== 'string') throw new BadCall(400, `${at}.type: Field required`);
        throw new BadCall(400, `${at}: Input tag '${block['type']}' does not match any of the expected tags`);
    }
  }
  return { text, mediaParts, toolUses, toolResults, cacheMarks };
};
