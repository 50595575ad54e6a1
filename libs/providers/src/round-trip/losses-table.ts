// What is lost between each client and each lab, by name; every name stands for the warnings that tell it. Rendered into docs/guides/what-is-translated.md.
export type Loss = keyof typeof TOLD;

/** A warning that is told by none of these is one that nobody expected. */
const TOLD = {
  'cache markers': /^cache_control: /,
  'that an image was a tool’s': /^messages: A tool answered with (media|an image)/,
  'that a tool failed': /^messages: (That a tool failed|A tool reported an error)/,
  'earlier reasoning': /^reasoning: The endpoint takes no reasoning of earlier turns/,
  'tool calls': /^The model answered with tool calls/,
  'signatures of reasoning': /^The model answered with signatures of reasoning/,
} as const;

export const LOSSES: Readonly<Record<string, Readonly<Record<string, readonly Loss[]>>>> = {
  'chat completions': {
    'openai-chat': [],
    'azure-openai': [],
    'openai-responses': ['cache markers'],
    'anthropic-messages': [],
    'vertex-anthropic': [],
    gemini: ['cache markers'],
    'bedrock-converse': [],
    cohere: ['cache markers', 'that an image was a tool’s'],
  },
  Messages: {
    'openai-chat': ['that a tool failed', 'that an image was a tool’s'],
    'azure-openai': ['cache markers', 'earlier reasoning', 'that a tool failed', 'that an image was a tool’s'],
    'openai-responses': ['cache markers', 'that a tool failed'],
    'anthropic-messages': [],
    'vertex-anthropic': [],
    gemini: ['cache markers'],
    'bedrock-converse': [],
    cohere: ['cache markers', 'that a tool failed', 'that an image was a tool’s'],
  },
  Responses: {
    'openai-chat': ['that an image was a tool’s'],
    'azure-openai': ['earlier reasoning', 'that an image was a tool’s'],
    'openai-responses': [],
    'anthropic-messages': [],
    'vertex-anthropic': [],
    gemini: [],
    'bedrock-converse': [],
    cohere: ['that an image was a tool’s'],
  },
  'legacy completions': {
    'openai-chat': ['signatures of reasoning', 'tool calls'],
    'azure-openai': ['tool calls'],
    'openai-responses': ['signatures of reasoning', 'tool calls'],
    'anthropic-messages': ['signatures of reasoning', 'tool calls'],
    'vertex-anthropic': ['signatures of reasoning', 'tool calls'],
    gemini: ['signatures of reasoning', 'tool calls'],
    'bedrock-converse': ['signatures of reasoning', 'tool calls'],
    cohere: ['tool calls'],
  },
};

/** The names of what the warnings tell, sorted; a warning without a name stands for itself. */
export const namesOf = (warnings: Iterable<string>): string[] =>
  [
    ...new Set(
      [...warnings].map((warning) => Object.entries(TOLD).find(([, pattern]) => pattern.test(warning))?.[0] ?? warning),
    ),
  ].sort();

export const lossesTable = (): string => {
  const clients = Object.keys(LOSSES);
  const labs = Object.keys(LOSSES[clients[0] ?? ''] ?? {});
  const cell = (losses: readonly Loss[] = []): string => (losses.length === 0 ? '–' : losses.join(', '));
  return [
    `| asked at | ${clients.map((client) => `by a client of ${client}`).join(' | ')} |`,
    `|---|${clients.map(() => '---|').join('')}`,
    ...labs.map((lab) => `| \`${lab}\` | ${clients.map((client) => cell(LOSSES[client]?.[lab])).join(' | ')} |`),
  ].join('\n');
};
