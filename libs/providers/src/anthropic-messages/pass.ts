// What of a Messages answer is ours when it passes: id, model and provider in its head. The end of a stream waits for the bill.
import { editMembers, namedEvent, scanTopLevelFields } from '@waystation/dialects';
import type { Passing } from '../events/passing-reader.js';

import { numberOf, recordOf, type JsonObject } from '../json-shape.js';
import type { ResponseTerms } from '../spec.js';

const HEAD: ReadonlySet<string> = new Set(['id', 'model', 'provider']);

export const messagesPassing = ({ generationId, model, providerName }: ResponseTerms): Passing => {
  const own = { id: generationId, model, provider: providerName };
  const open = new Set<number>();
  let usage: JsonObject = {};
  return {
    event(value) {
      const index = numberOf(value['index']) ?? 0;
      switch (value['type']) {
        case 'message_start': {
          const message = recordOf(value['message']);
          usage = recordOf(message['usage']);
          return { json: JSON.stringify({ ...value, message: { ...message, ...own } }) };
        }
        case 'content_block_start':
          open.add(index);
          return 'pass';
        case 'content_block_stop':
          open.delete(index);
          return 'pass';
        case 'message_delta':
        case 'message_stop':
          return 'tail';
        default:
          return 'pass';
      }
    },
    body(bytes) {
      const spans = scanTopLevelFields(bytes, HEAD) ?? [];
      const json = (key: string): string => JSON.stringify(own[key as keyof typeof own]);
      return editMembers(bytes, {
        replace: spans.map((span) => ({ span, json: json(span.key) })),
        insert: [...HEAD]
          .filter((key) => !spans.some((span) => span.key === key))
          .map((key) => ({ key, json: json(key) })),
      });
    },
    cut: () => ({
      close: [...open].map((index) =>
        namedEvent('content_block_stop', JSON.stringify({ type: 'content_block_stop', index })),
      ),
      tail:
        namedEvent(
          'message_delta',
          JSON.stringify({ type: 'message_delta', delta: { stop_reason: 'max_tokens', stop_sequence: null }, usage }),
        ) + namedEvent('message_stop', '{"type":"message_stop"}'),
    }),
  };
};
