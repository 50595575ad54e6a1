// Contents of a request: https://ai.google.dev/api/caching#Content. Thought signatures must come back as they went out:
// https://ai.google.dev/gemini-api/docs/thought-signatures
import type { SandboxMessage } from '../../reply/call.js';
import { isSealedState } from '../../reply/sign.js';
import { BadCall } from '../dialect.js';
import { isRecord, readRecords, type Json } from '../read-fields.js';
import { member } from './member.js';

/** Documented stand-ins for signatures that never were. */
const STAND_INS: ReadonlySet<unknown> = new Set([
  'skip_thought_signature_validator',
  'context_engineering_is_the_way_to_go',
]);

interface Content {
  readonly message: SandboxMessage;
  readonly calls: readonly Json[];
  readonly responses: number;
}

const MEDIA = ['inlineData', 'fileData'];

const readParts = (content: Json, at: string): Omit<Content, 'message'> & { text: string; mediaParts: number } => {
  let text = '';
  let mediaParts = 0;
  let responses = 0;
  const calls: Json[] = [];
  for (const [index, part] of readRecords(member(content, 'parts'), `${at}.parts`).entries()) {
    const signature = member(part, 'thoughtSignature');
    if (signature !== undefined && !STAND_INS.has(signature) && !isSealedState(signature))
      throw new BadCall(400, `Thought signature is not valid at ${at}.parts[${index}].`);
    const call = member(part, 'functionCall');
    const result = member(part, 'functionResponse');
    if (isRecord(call)) {
      if (typeof call['name'] !== 'string')
        throw new BadCall(400, `${at}.parts[${index}].function_call.name: required`);
      calls.push(part);
      text += call['name'] + JSON.stringify(call['args'] ?? {});
    } else if (isRecord(result)) {
      if (typeof result['name'] !== 'string' || !isRecord(result['response']))
        throw new BadCall(400, `${at}.parts[${index}].function_response: name and response are required`);
      responses += 1;
      text += JSON.stringify(result['response']);
    } else if (MEDIA.some((name) => isRecord(member(part, name)))) mediaParts += 1;
    else if (typeof part['text'] === 'string') text += part['text'];
    else
      throw new BadCall(400, `${at}.parts[${index}].data: required oneof field 'data' must have one initialized field`);
  }
  return { text, mediaParts, calls, responses };
};

const readContent = (content: Json, index: number): Content => {
  const at = `contents[${index}]`;
  const role = content['role'] ?? 'user';
  if (role !== 'user' && role !== 'model' && role !== 'function')
    throw new BadCall(400, 'Please use a valid role: user, model.');
  const { text, mediaParts, calls, responses } = readParts(content, at);
  const as = responses > 0 ? 'tool' : role === 'model' ? 'assistant' : 'user';
  return { message: { role: as, text, mediaParts }, calls, responses };
};

/** `thinks`: the model checks that the calls of the running turn come with their signature. */
export const readContents = (body: Json, thinks: boolean): SandboxMessage[] => {
  const contents = readRecords(body['contents'], 'contents').map(readContent);
  if (contents.length === 0) throw new BadCall(400, 'contents is not specified');
  const turn = contents.findLastIndex(({ message }) => message.role === 'user');
  for (const [index, { calls, responses }] of contents.entries()) {
    const asked = contents[index - 1]?.calls.length ?? 0;
    if (responses !== asked)
      throw new BadCall(
        400,
        'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.',
      );
    const [first] = calls;
    if (thinks && index > turn && first !== undefined && member(first, 'thoughtSignature') === undefined)
      throw new BadCall(
        400,
        `Function call is missing a thought_signature in functionCall parts at contents[${index}].`,
      );
  }
  const system = member(body, 'systemInstruction');
  if (!isRecord(system)) return contents.map(({ message }) => message);
  const { text, mediaParts } = readParts(system, 'system_instruction');
  return [{ role: 'system', text, mediaParts }, ...contents.map(({ message }) => message)];
};
