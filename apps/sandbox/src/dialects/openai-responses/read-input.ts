// Input items of a response: https://platform.openai.com/docs/api-reference/responses/create#responses_create-input
// The sandbox stores nothing: reasoning must come with its encrypted content, and that must be whole.
import type { SandboxMessage } from '../../reply/call.js';
import { isSealedState } from '../../reply/sign.js';
import { BadCall } from '../dialect.js';
import { readRecords, type Json } from '../read-fields.js';

const ROLES: ReadonlySet<unknown> = new Set(['user', 'assistant', 'system', 'developer']);

const readContent = (content: unknown, role: string, at: string): Pick<SandboxMessage, 'text' | 'mediaParts'> => {
  if (typeof content === 'string') return { text: content, mediaParts: 0 };
  let text = '';
  let mediaParts = 0;
  for (const [index, part] of readRecords(content, `${at}.content`).entries()) {
    const type = String(part['type']);
    const supported = role === 'assistant' ? ['output_text', 'refusal'] : ['input_text', 'input_image', 'input_file'];
    if (!supported.includes(type))
      throw new BadCall(
        400,
        `Invalid value: '${type}' at ${at}.content[${index}]. Supported values are: ${supported.map((each) => `'${each}'`).join(', ')}.`,
      );
    const said = part['text'] ?? part['refusal'];
    if (typeof said === 'string') text += said;
    else mediaParts += 1;
  }
  return { text, mediaParts };
};

const checkId = (item: Json, prefix: string, at: string): void => {
  const { id } = item;
  if (id !== undefined && id !== null && !(typeof id === 'string' && id.startsWith(prefix)))
    throw new BadCall(400, `Invalid '${at}.id': '${String(id)}'. Expected an ID that begins with '${prefix}'.`);
};

const callIdOf = (item: Json, at: string): string => {
  if (typeof item['call_id'] !== 'string') throw new BadCall(400, `Missing required parameter: '${at}.call_id'.`);
  return item['call_id'];
};

const outputText = (output: unknown, at: string): string => {
  if (typeof output === 'string') return output;
  return readContent(output, 'user', at).text;
};

export const readInput = (input: unknown): SandboxMessage[] => {
  if (typeof input === 'string') return [{ role: 'user', text: input, mediaParts: 0 }];
  const messages: SandboxMessage[] = [];
  const called = new Set<string>();
  const answered = new Set<string>();
  for (const [index, item] of readRecords(input, 'input').entries()) {
    const at = `input[${index}]`;
    switch (item['type'] ?? 'message') {
      case 'message': {
        const { role } = item;
        if (typeof role !== 'string' || !ROLES.has(role)) throw new BadCall(400, `Invalid value: '${at}.role'.`);
        if (role === 'assistant') checkId(item, 'msg', at);
        messages.push({ role, ...readContent(item['content'], role, at) });
        break;
      }
      case 'function_call':
        checkId(item, 'fc', at);
        if (typeof item['name'] !== 'string' || typeof item['arguments'] !== 'string')
          throw new BadCall(400, `Missing required parameter: '${at}.name' or '${at}.arguments'.`);
        called.add(callIdOf(item, at));
        messages.push({ role: 'assistant', text: item['name'] + item['arguments'], mediaParts: 0 });
        break;
      case 'function_call_output': {
        const id = callIdOf(item, at);
        if (!called.has(id)) throw new BadCall(400, `No tool call found for function call output with call_id ${id}.`);
        answered.add(id);
        messages.push({ role: 'tool', text: outputText(item['output'], at), mediaParts: 0 });
        break;
      }
      case 'reasoning':
        checkId(item, 'rs', at);
        if (!Array.isArray(item['summary'])) throw new BadCall(400, `Missing required parameter: '${at}.summary'.`);
        if (item['encrypted_content'] === undefined || item['encrypted_content'] === null)
          throw new BadCall(
            404,
            `Item with id '${String(item['id'])}' not found. Items are not persisted when \`store\` is set to false.`,
          );
        if (!isSealedState(item['encrypted_content']))
          throw new BadCall(
            400,
            `The encrypted content for item ${String(item['id'])} could not be verified.`,
            'invalid_encrypted_content',
          );
        break;
      case 'item_reference':
        throw new BadCall(404, `Item with id '${String(item['id'])}' not found.`);
      default:
        throw new BadCall(400, `Invalid value: '${String(item['type'])}' at ${at}.type.`);
    }
  }
  const open = [...called].find((id) => !answered.has(id));
  if (open !== undefined) throw new BadCall(400, `No tool output found for function call ${open}.`);
  if (messages.length === 0) throw new BadCall(400, 'input must have at least one message.');
  return messages;
};
