// What marks reasoning that only a provider of this dialect can read. The reference API, section 8.
export const RESPONSES_FORMAT = 'openai-responses-v1';

/** Azure, Bedrock and xAI have names of their own for it. Without one a thought is taken for what the client says it is. */
export const isResponsesFormat = (format: string | undefined): boolean =>
  format === undefined || format.endsWith(RESPONSES_FORMAT.slice('openai'.length));
