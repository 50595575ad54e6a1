// Citations of an answer, as both streams and bodies of chat completions show them.
import type { GenerationEvent } from '@waystation/generation';

export const citationJson = (event: Extract<GenerationEvent, { type: 'citation' }>): string =>
  JSON.stringify({
    type: 'url_citation',
    url_citation: {
      url: event.url,
      ...(event.title === undefined ? {} : { title: event.title }),
      ...(event.content === undefined ? {} : { content: event.content }),
      ...(event.startIndex === undefined ? {} : { start_index: event.startIndex }),
      ...(event.endIndex === undefined ? {} : { end_index: event.endIndex }),
    },
  });
