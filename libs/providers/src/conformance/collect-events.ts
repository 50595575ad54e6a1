// Canonical events as what they come to: what a client of any dialect would have got out of them. Blocks are checked while they are followed.
import type { GenerationEvent, Warning } from '@waystation/generation';
import type { Completion } from './fixture.js';

export interface Collected {
  readonly text: string;
  readonly reasoning?: string;
  readonly refusal?: string;
  readonly toolCalls?: Completion['toolCalls'];
  /** Signatures and encrypted reasoning, in order. */
  readonly signatures?: readonly string[];
  readonly citations?: readonly string[];
  readonly images?: readonly string[];
  readonly warnings?: readonly Warning[];
  readonly finish?: string;
}

/** @throws where a block gets a piece before it began or after it ended, or anything follows the finish */
export const collectEvents = (events: readonly GenerationEvent[]): Collected => {
  let [text, reasoning, refusal] = ['', '', ''];
  let finish: string | undefined;
  const tools: { id: string; name: string; arguments: string }[] = [];
  const toolAt = new Map<number, { id: string; name: string; arguments: string }>();
  const signatures: string[] = [];
  const citations: string[] = [];
  const images: string[] = [];
  const warnings: Warning[] = [];
  const open = new Map<number, string>();
  const begin = (index: number, kind: string): void => {
    if (open.has(index)) throw new Error(`block ${index} begins twice`);
    open.set(index, kind);
  };
  const within = (index: number, kind: string): void => {
    if (open.get(index) !== kind)
      throw new Error(`a piece of ${kind} for block ${index}, which is ${open.get(index) ?? 'not open'}`);
  };
  const close = (index: number, kind: string): void => {
    within(index, kind);
    open.set(index, 'ended');
  };
  for (const event of events) {
    if (finish !== undefined) throw new Error(`${event.type} behind the finish`);
    switch (event.type) {
      case 'text-start':
        begin(event.index, 'text');
        break;
      case 'text-delta':
        within(event.index, 'text');
        text += event.text;
        break;
      case 'text-end':
        close(event.index, 'text');
        break;
      case 'reasoning-start':
        begin(event.index, 'reasoning');
        break;
      case 'reasoning-delta':
        within(event.index, 'reasoning');
        reasoning += event.text;
        break;
      case 'reasoning-end':
        close(event.index, 'reasoning');
        if (event.signature !== undefined) signatures.push(event.signature);
        if (event.encrypted !== undefined) signatures.push(event.encrypted);
        break;
      case 'tool-call-start': {
        begin(event.index, 'tool-call');
        const tool = { id: event.id, name: event.name, arguments: '' };
        tools.push(tool);
        toolAt.set(event.index, tool);
        if (event.signature !== undefined) signatures.push(event.signature);
        break;
      }
      case 'tool-call-delta': {
        within(event.index, 'tool-call');
        const tool = toolAt.get(event.index);
        if (tool !== undefined) tool.arguments += event.argumentsDelta;
        break;
      }
      case 'tool-call-end':
        close(event.index, 'tool-call');
        break;
      case 'refusal-delta':
        refusal += event.text;
        break;
      case 'image':
        images.push(`${event.mediaType} ${event.base64.length}`);
        break;
      case 'citation':
        citations.push(event.url);
        break;
      case 'warning':
        warnings.push(event.warning);
        break;
      case 'finish':
        finish = event.reason;
        break;
      case 'start':
      case 'audio-start':
      case 'audio-delta':
      case 'audio-end':
      case 'file':
      case 'usage':
      case 'error':
        break;
      default: {
        const unreachable: never = event;
        throw new Error(`an unknown event: ${JSON.stringify(unreachable)}`);
      }
    }
  }
  const stillOpen = [...open.values()].filter((state) => state !== 'ended');
  if (finish !== undefined && stillOpen.length > 0) throw new Error(`${stillOpen.join(', ')} still open at the finish`);
  return {
    text,
    ...(reasoning === '' ? {} : { reasoning }),
    ...(refusal === '' ? {} : { refusal }),
    ...(tools.length === 0 ? {} : { toolCalls: tools }),
    ...(signatures.length === 0 ? {} : { signatures }),
    ...(citations.length === 0 ? {} : { citations }),
    ...(images.length === 0 ? {} : { images }),
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(finish === undefined ? {} : { finish }),
  };
};
